import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { DrainOption } from '../../../types/index.ts'
import { packageRoot } from '../../helpers/paths.ts'
import type { DrainCommand, DrainReport } from './server.ts'

/** The server as a process of its own, ended with the test. */
export class DrainingProcess {
  readonly port: number
  readonly #process: ChildProcess
  readonly #exited: Promise<unknown[]>

  private constructor (child: ChildProcess, exited: Promise<unknown[]>, port: number) {
    this.#process = child
    this.#exited = exited
    this.port = port
  }

  static async start (t: Test, drain: DrainOption = {}): Promise<DrainingProcess> {
    const child = fork(join(packageRoot, '.build/test/e2e/drain/server.js'), [JSON.stringify(drain)], { env: {}, execArgv: [] })
    const exited = once(child, 'exit')
    t.after(async () => {
      child.kill('SIGKILL')
      await exited
    })
    const [port] = await Promise.race([
      once(child, 'message'),
      exited.then(([code]) => { throw new Error(`the server ended with ${code} before it listened`) })
    ])
    return new DrainingProcess(child, exited, port)
  }

  /** What it says next. */
  async said (): Promise<unknown> {
    const [message] = await once(this.#process, 'message')
    return message
  }

  tell (command: DrainCommand): void {
    this.#process.send(command)
  }

  signal (): void {
    this.#process.kill('SIGTERM')
  }

  /** As an orchestrator ends it: the code it exits with, and how it says that it went; null where it had no time to. */
  async ended (): Promise<{ code: unknown, report: DrainReport | null }> {
    let report: DrainReport | null = null
    this.#process.on('message', message => { report = message as DrainReport })
    const [code] = await this.#exited
    return { code, report }
  }
}
