import { once } from 'node:events'
import type { Test } from 'tap'
import type { Listening } from '../../rooms/node-cluster/worker.ts'
import { suspend } from '../../helpers/processes.ts'
import { startScript } from '../faults/server-process.ts'
import type { ServerSettings } from './carriers.ts'

/** A server's process. */
export interface Running {
  readonly pid: number
  readonly port: number
  kill (signal: NodeJS.Signals): void
  /** Settles when it has ended. */
  ended (): Promise<unknown>
}

/** Starts a server's process, which ends with the test. Fails where it ends before it listens. */
export type Launch<Settings = ServerSettings> = (t: Test, settings: Settings) => Promise<Running>

/** @param within a command that it is run by */
export async function launchScript (t: Test, settings: object, within = '', script = 'cluster/server.js'): Promise<Running> {
  const { child, message } = await startScript(t, script, [JSON.stringify(settings)], { within })
  const { listening, pid } = message as Listening
  const exited = once(child, 'exit')
  return { pid, port: listening, kill: signal => { child.kill(signal) }, ended: () => exited }
}

/** One server of a cluster, which is killed and started again. */
export class ClusterServer<Settings extends object = ServerSettings> {
  readonly #t: Test
  readonly #settings: Settings
  readonly #launch: Launch<Settings>
  #process: Running | null = null
  #isWanted = true
  /** Where it listens; null while it does not. */
  port: number | null = null
  /** How many times it could not start, since it did not reach its broker. */
  failedStarts = 0

  constructor (t: Test, settings: Settings, launch: Launch<Settings>) {
    this.#t = t
    this.#launch = launch
    this.#settings = settings
    t.after(() => { this.#isWanted = false })
  }

  /** Starts it, as often as it takes: it does not start without its broker. */
  async start (): Promise<void> {
    while (this.#isWanted) {
      try {
        this.#process = await this.#launch(this.#t, this.#settings)
        this.port = this.#process.port
        return
      } catch {
        this.failedStarts++
      }
    }
  }

  /** Settles when it has ended. */
  async kill (signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    this.#process?.kill(signal)
    await this.ended()
  }

  /** It ends, or has ended. */
  async ended (): Promise<void> {
    this.port = null
    await this.#process?.ended()
    this.#process = null
  }

  async freeze (): Promise<void> {
    if (this.#process !== null) await suspend(this.#process.pid)
  }

  thaw (): void {
    this.#process?.kill('SIGCONT')
  }
}
