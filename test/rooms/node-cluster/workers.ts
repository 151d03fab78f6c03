import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Test } from 'tap'
import { WebSocket } from 'ws'
import { packageRoot } from '../../helpers/paths.ts'
import type { Command, Ended, Mode, Report } from './primary.ts'
import type { Serialization } from './ports.ts'
import type { Listening, Wish } from './worker.ts'

/** What one may wait for of all that comes. */
class Inbox {
  readonly #values: Array<Record<string, unknown>> = []
  readonly #waiting = new Set<() => void>()

  push (value: Record<string, unknown>): void {
    this.#values.push(value)
    for (const look of [...this.#waiting]) look()
  }

  /** The first that has come, or comes, with this field; it is taken out. */
  async take (has: (value: Record<string, unknown>) => boolean): Promise<Record<string, unknown>> {
    for (;;) {
      const index = this.#values.findIndex(has)
      if (index !== -1) return this.#values.splice(index, 1)[0]
      await new Promise<void>(resolve => {
        const look = (): void => {
          this.#waiting.delete(look)
          resolve()
        }
        this.#waiting.add(look)
      })
    }
  }
}

/** A real cluster: a primary and its workers, ended with the test. */
export class Workers {
  readonly #t: Test
  readonly #primary: ChildProcess
  readonly #inbox = new Inbox()
  readonly pids = new Map<number, number>()

  private constructor (t: Test, primary: ChildProcess) {
    this.#t = t
    this.#primary = primary
    primary.on('message', message => this.#inbox.push(message as Record<string, unknown>))
  }

  static async start (t: Test, count: number, { mode = 'cluster', serialization = 'json' }: { mode?: Mode, serialization?: Serialization } = {}): Promise<Workers> {
    const primary = fork(join(packageRoot, '.build/test/rooms/node-cluster/primary.js'), [mode, serialization], { stdio: ['ignore', 'inherit', 'pipe', 'ipc'] })
    const workers = new Workers(t, primary)
    const exited = once(primary, 'exit')
    t.after(async () => {
      for (const pid of workers.pids.keys()) end(pid)
      primary.kill('SIGKILL')
      await exited
    })
    primary.stderr?.setEncoding('utf8').on('data', text => workers.#inbox.push({ said: text }))
    await Promise.all(Array.from({ length: count }, () => workers.add()))
    return workers
  }

  get pid (): number {
    if (this.#primary.pid === undefined) throw new Error('the primary did not start')
    return this.#primary.pid
  }

  tell (command: Command): void {
    this.#primary.send(command)
  }

  /** What the processes have written as an error. */
  async said (): Promise<string> {
    return String((await this.#inbox.take(value => 'said' in value)).said)
  }

  async ended (): Promise<Ended> {
    const ended = await this.#inbox.take(value => 'ended' in value) as unknown
    return ended as Ended
  }

  async report (): Promise<Report> {
    this.tell('report')
    const report = await this.#inbox.take(value => 'refused' in value) as unknown
    return report as Report
  }

  /** Starts one more. */
  async add (): Promise<number> {
    this.tell('start')
    const { listening, pid } = await this.#inbox.take(value => 'listening' in value) as unknown as Listening
    this.pids.set(pid, listening)
    return pid
  }

  async kill (pid: number): Promise<void> {
    this.pids.delete(pid)
    process.kill(pid, 'SIGKILL')
    await this.ended()
  }

  /** A client of a worker; of the one that it comes to, where they share a port. */
  async open (pid: number): Promise<Client> {
    const port = this.pids.get(pid)
    if (port === undefined) throw new Error('no such worker')
    for (;;) {
      const client = await Client.open(port)
      this.#t.after(() => client.drop())
      if ((await client.ask({ do: 'who' })).pid === pid) return client
      client.drop()
    }
  }
}

function end (pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It is gone.
  }
}

type Unnumbered<Kind extends Wish = Wish> = Kind extends Wish ? Omit<Kind, 'id'> : never

export class Client {
  readonly #socket: WebSocket
  readonly #inbox = new Inbox()
  #count = 0

  private constructor (socket: WebSocket) {
    this.#socket = socket
    socket.on('message', data => this.#inbox.push(JSON.parse(String(data))))
    socket.on('error', () => {})
  }

  static async open (port: number): Promise<Client> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`)
    const client = new Client(socket)
    await once(socket, 'open')
    return client
  }

  say (wish: Unnumbered): number {
    const id = ++this.#count
    this.#socket.send(JSON.stringify({ ...wish, id }))
    return id
  }

  async ask (wish: Unnumbered): Promise<Record<string, unknown>> {
    const id = this.say(wish)
    return await this.#inbox.take(value => value.id === id)
  }

  /** What was sent to a room. */
  async receive (): Promise<Record<string, unknown>> {
    return await this.#inbox.take(value => !('id' in value))
  }

  /** Settles when the worker says that rooms are in this state. */
  async until (state: string): Promise<void> {
    while ((await this.ask({ do: 'who' })).state !== state) await new Promise(resolve => setTimeout(resolve, 20))
  }

  drop (): void {
    this.#socket.terminate()
  }
}
