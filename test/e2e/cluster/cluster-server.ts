import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Test } from 'tap'
import { suspend } from '../../helpers/processes.ts'
import { startScript } from '../faults/server-process.ts'

/** One server of a cluster, which is killed and started again. */
export class ClusterServer {
  readonly #t: Test
  readonly #settings: object
  readonly #script: string
  readonly #within: string
  #process: ChildProcess | null = null
  #exited: Promise<unknown> = Promise.resolve()
  #isWanted = true
  /** Where it listens; null while it does not. */
  port: number | null = null
  /** How many times it could not start, since it did not reach its broker. */
  failedStarts = 0

  /**
   * @param settings what the script is told
   * @param within a command that it is run by
   */
  constructor (t: Test, settings: object, { within = '', script = 'cluster/server.js' } = {}) {
    this.#t = t
    this.#within = within
    this.#settings = settings
    this.#script = script
    t.after(() => { this.#isWanted = false })
  }

  /** Starts it, as often as it takes: it does not start without its broker. */
  async start (): Promise<void> {
    while (this.#isWanted) {
      try {
        const { child, message } = await startScript(this.#t, this.#script, [JSON.stringify(this.#settings)], { within: this.#within })
        this.#process = child
        this.#exited = once(child, 'exit')
        this.port = Number(message)
        return
      } catch {
        this.failedStarts++
      }
    }
  }

  /** Settles when it has ended. */
  async kill (signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    this.port = null
    this.#process?.kill(signal)
    await this.#exited
  }

  async freeze (): Promise<void> {
    if (this.#process?.pid !== undefined) await suspend(this.#process.pid)
  }

  thaw (): void {
    this.#process?.kill('SIGCONT')
  }
}
