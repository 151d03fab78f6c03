import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect as connectTcp } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { connect } from '@nats-io/transport-node'
import type { NatsConnection, NodeConnectionOptions } from '@nats-io/transport-node'
import type { Test } from 'tap'
import { freePort } from './free-port.ts'
import { bound, suspend } from './processes.ts'
import { requirement } from './requirements.ts'

export interface NatsServerOptions {
  /** With JetStream, kept in a folder of its own. */
  readonly jetstream?: boolean
  /** The text of a configuration file. */
  readonly config?: string
}

/** A nats-server of the test's own on a free port of the loopback, gone when the test ends. Ask `suiteNeeding(['nats-server'], …)` first. */
export class NatsServer {
  readonly port: number
  readonly #path: string
  readonly #args: readonly string[]
  readonly #config: string
  #process: ChildProcess | null = null

  private constructor (path: string, port: number, config: string, args: readonly string[]) {
    this.#path = path
    this.port = port
    this.#config = config
    this.#args = ['-c', config, ...args]
  }

  static async start (t: Test, { jetstream = false, config = '' }: NatsServerOptions = {}): Promise<NatsServer> {
    const path = requirement('nats-server')
    if (path === null) throw new Error('nats-server is not installed')
    const folder = await mkdtemp(join(tmpdir(), 'nats-'))
    const server = new NatsServer(path, await freePort(), join(folder, 'config'), jetstream ? ['-js', '-sd', join(folder, 'store')] : [])
    await writeFile(server.#config, config)
    t.after(async () => {
      await server.kill('SIGKILL')
      await rm(folder, { recursive: true, force: true })
    })
    await server.restart()
    return server
  }

  get url (): string {
    return `nats://127.0.0.1:${this.port}`
  }

  /** Ends it and waits until it is gone. */
  async kill (signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    const running = this.#process
    if (running === null) return
    this.#process = null
    const gone = once(running, 'exit')
    running.kill(signal)
    // One that is stopped hears of nothing else.
    running.kill('SIGCONT')
    await gone
  }

  /** Starts it on the same port, with what it has kept, after ending it. */
  async restart (signal?: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    await this.kill(signal)
    const [command, ...args] = bound(this.#path)
    const started = spawn(command, [...args, '-a', '127.0.0.1', '-p', String(this.port), ...this.#args], { stdio: 'ignore' })
    this.#process = started
    // When the tests end before their time.
    const end = (): void => { started.kill('SIGKILL') }
    process.once('exit', end)
    started.once('exit', () => process.removeListener('exit', end))
    while (!await answers(this.port)) {
      if (started.exitCode !== null) throw new Error(`nats-server ended with ${started.exitCode}`)
      await setTimeout(20)
    }
  }

  /** It takes another configuration, soon. */
  async reload (config: string): Promise<void> {
    await writeFile(this.#config, config)
    this.#process?.kill('SIGHUP')
  }

  /** It hangs, and its connections with it. Settles when it does. */
  async freeze (): Promise<void> {
    if (this.#process?.pid !== undefined) await suspend(this.#process.pid)
  }

  thaw (): void {
    this.#process?.kill('SIGCONT')
  }

  /** A connection that never gives up, closed when the test ends. */
  async connect (t: Test, options: NodeConnectionOptions = {}): Promise<NatsConnection> {
    const connection = await connect({ servers: this.url, maxReconnectAttempts: -1, reconnectTimeWait: 50, reconnectJitter: 0, ...options })
    t.after(() => connection.close())
    return connection
  }
}

/** Whether it greets: it does so when it is ready. */
function answers (port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connectTcp(port, '127.0.0.1')
    socket.once('data', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
    socket.once('close', () => resolve(false))
  })
}
