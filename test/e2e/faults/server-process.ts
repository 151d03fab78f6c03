import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Test } from 'tap'
import { packageRoot } from '../../helpers/paths.ts'
import { bound } from '../../helpers/processes.ts'
import type { ServerCommand, ServerReport } from './server.ts'

export interface ServerProcessOptions {
  /** Default: a free one. */
  port?: number
  /** How many file descriptors it may have. */
  descriptors?: number
  nodeOptions?: readonly string[]
}

/**
 * Starts a script as a process of its own, which is ended with the test. Settles with the first message that it sends over IPC.
 *
 * @param within a command that runs another one
 */
export async function startScript (
  t: Test, script: string, args: readonly string[], { descriptors, nodeOptions = [], within = '' }: Omit<ServerProcessOptions, 'port'> & { readonly within?: string } = {}
): Promise<{ child: ChildProcess, message: unknown }> {
  const limit = descriptors === undefined ? '' : `ulimit -n ${descriptors}; `
  const child = spawn('/bin/sh', ['-c', `${limit}exec ${within} "$0" "$@"`, ...bound(process.execPath), ...nodeOptions, join(packageRoot, '.build/test/e2e', script), ...args], {
    env: {},
    stdio: ['ignore', 'inherit', 'inherit', 'ipc']
  })
  const exited = once(child, 'exit')
  t.after(async () => {
    child.kill('SIGKILL')
    await exited
  })
  const [message] = await Promise.race([
    once(child, 'message'),
    exited.then(([code]) => { throw new Error(`the server ended with ${code} before it listened`) })
  ])
  return { child, message }
}

/** The server as a process of its own, ended with the test. */
export class ServerProcess {
  readonly port: number
  readonly #process: ChildProcess

  private constructor (child: ChildProcess, port: number) {
    this.#process = child
    this.port = port
  }

  static async start (t: Test, { port = 0, ...options }: ServerProcessOptions = {}): Promise<ServerProcess> {
    const { child, message } = await startScript(t, 'faults/server.js', [String(port)], options)
    return new ServerProcess(child, Number(message))
  }

  get isRunning (): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null
  }

  /** How it is; `when empty`: once no client is left. */
  async report (when: 'now' | 'when empty' = 'now'): Promise<ServerReport> {
    const command: ServerCommand = { ask: when === 'now' ? 'report' : 'report when empty' }
    this.#process.send(command)
    const [report] = await once(this.#process, 'message')
    return report
  }

  async kill (): Promise<void> {
    const exited = once(this.#process, 'exit')
    this.#process.kill('SIGKILL')
    await exited
  }
}
