import type { Test } from 'tap'
import { ClusterAdapter } from '../../../lib/rooms/node-cluster/adapter.ts'
import { ended, suspend } from '../../helpers/processes.ts'
import { signal, Workers } from '../../rooms/node-cluster/workers.ts'
import type { Broker, OpenAdapter, ServerSettings } from './carriers.ts'
import type { Running } from './cluster-server.ts'

/** The primary of workers of `node:cluster`, as their broker. Killed, it takes with it what it keeps, and them. */
export class Primary implements Broker {
  readonly #t: Test
  #workers: Workers

  private constructor (t: Test, workers: Workers) {
    this.#t = t
    this.#workers = workers
  }

  static async start (t: Test): Promise<Primary> {
    return new Primary(t, await startWorkers(t))
  }

  async kill (name: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    await this.#workers.end(name)
  }

  async restart (): Promise<void> {
    this.#workers = await startWorkers(this.#t)
  }

  async freeze (): Promise<void> {
    await suspend(this.#workers.pid)
  }

  thaw (): void {
    signal(this.#workers.pid, 'SIGCONT')
  }

  /** It goes on, and forgets the rooms. */
  stopCarrying (): void {
    this.#workers.tell('stop carrying')
  }

  carry (): void {
    this.#workers.tell('carry')
  }

  /** A server as a worker. */
  async launch (settings: ServerSettings): Promise<Running> {
    const workers = this.#workers
    const pid = await workers.add(JSON.stringify(settings))
    return { pid, port: Number(workers.pids.get(pid)), kill: name => signal(pid, name), ended: () => ended(pid) }
  }

  /** For a server in the process that has started the primary: an IPC channel has two ends, whichever was first. */
  async open (): Promise<OpenAdapter> {
    return { adapter: new ClusterAdapter(this.#workers.newPort(), 'typed-ws'), end: async () => {} }
  }
}

function startWorkers (t: Test): Promise<Workers> {
  return Workers.start(t, 0, { script: '../../e2e/cluster/server.js' })
}
