import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

/* What Linux tells of processes; Debian's packages run there. */

/** The processes that a process has started. */
export function childrenOf (pid: number): number[] {
  return read(`/proc/${pid}/task/${pid}/children`).trim().split(' ').filter(Boolean).map(Number)
}

/** Stops a process until it gets a SIGCONT: settles when it runs no more. */
export async function suspend (pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP')
  while (/\) [^TtZ] /.test(read(`/proc/${pid}/stat`))) await delay(1)
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
