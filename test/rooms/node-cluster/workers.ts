import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Test } from 'tap'
import { WebSocket } from 'ws'
import { packageRoot } from '../../helpers/paths.ts'
import { bound } from '../../helpers/processes.ts'
import { portTo } from '../../../lib/rooms/node-cluster/port.ts'
import type { Port } from '../../../lib/rooms/node-cluster/port.ts'
import type { Command, Ended, Mode, Report, Started } from './primary.ts'
import type { Serialization } from './ports.ts'
import type { Listening, Wish } from './worker.ts'

export interface WorkersOptions {
  readonly mode?: Mode
  readonly serialization?: Serialization
  /** What workers run, from the folder of `worker.ts`, its default. What another one writes goes where the test's goes. */
  readonly script?: string
}

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
  readonly #exited: Promise<unknown>
  /** Where each of them listens. */
  readonly pids = new Map<number, number>()

  private constructor (t: Test, primary: ChildProcess) {
    this.#t = t
    this.#primary = primary
    this.#exited = once(primary, 'exit')
    primary.on('message', message => this.#onMessage(message as Record<string, unknown>))
  }

  static async start (t: Test, count: number, { mode = 'cluster', serialization = 'json', script }: WorkersOptions = {}): Promise<Workers> {
    const path = join(packageRoot, '.build/test/rooms/node-cluster/primary.js')
    const [execPath, ...execArgv] = bound(process.execPath)
    const primary = script === undefined
      ? fork(path, [mode, serialization, 'worker.js'], { stdio: ['ignore', 'inherit', 'pipe', 'ipc'], execPath, execArgv: [...execArgv, ...process.execArgv] })
      : fork(path, [mode, serialization, script], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], env: {}, execPath, execArgv })
    const workers = new Workers(t, primary)
    t.after(async () => {
      for (const pid of workers.pids.keys()) signal(pid, 'SIGKILL')
      await workers.end()
    })
    primary.stderr?.setEncoding('utf8').on('data', text => workers.#inbox.push({ said: text }))
    await Promise.all(Array.from({ length: count }, () => workers.add()))
    return workers
  }

  #onMessage (message: Record<string, unknown>): void {
    if ('ended' in message) this.pids.delete(Number(message.ended))
    // What nodes are told goes the same way.
    if (!('fastify-typed-ws' in message)) this.#inbox.push(message)
  }

  get pid (): number {
    if (this.#primary.pid === undefined) throw new Error('the primary did not start')
    return this.#primary.pid
  }

  /** The way to the primary, for a node within the test's process. */
  newPort (): Port {
    return portTo(this.#primary)
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

  /** Starts one more. Fails where that ends before it listens. */
  async add (...args: readonly string[]): Promise<number> {
    this.tell({ start: args })
    const { started } = await this.#inbox.take(value => 'started' in value) as unknown as Started
    const told = await this.#inbox.take(value => ('listening' in value && value.pid === started) || value.ended === started) as unknown as Listening | Ended
    if ('ended' in told) throw new Error(`the worker ended with ${told.code} before it listened`)
    this.pids.set(started, told.listening)
    return started
  }

  async kill (pid: number): Promise<void> {
    this.pids.delete(pid)
    process.kill(pid, 'SIGKILL')
    await this.ended()
  }

  /** Ends the primary, and settles when it has ended; workers end when they notice. */
  async end (signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    this.#primary.kill(signal)
    await this.#exited
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

export function signal (pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
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
