import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { requirement } from './requirements.ts'

/* What Linux tells of processes; Debian's packages run there. */

/**
 * The command that runs a program such that the kernel ends it when this process ends, however that does: by SIGKILL, too, and while the program is stopped. Just the program where the
 * system has no such command.
 */
export function bound (program: string): [command: string, ...args: string[]] {
  const setpriv = requirement('util-linux')
  return setpriv === null ? [program] : [setpriv, '--pdeathsig', 'KILL', program]
}

/** The processes that a process has started. */
export function childrenOf (pid: number): number[] {
  return read(`/proc/${pid}/task/${pid}/children`).trim().split(' ').filter(Boolean).map(Number)
}

/** Stops a process until it gets a SIGCONT: settles when it runs no more, none of its threads. */
export async function suspend (pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP')
  while (!readdirSync(`/proc/${pid}/task`).every(thread => /^$|\) [TtZX] /.test(read(`/proc/${pid}/task/${thread}/stat`)))) await delay(1)
}

/** Settles when a process has ended, whoever its parent is. */
export async function ended (pid: number): Promise<void> {
  while (!/^$|\) [ZX] /.test(read(`/proc/${pid}/stat`))) await delay(5)
}

/** `''` where the process is gone. */
function read (path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
