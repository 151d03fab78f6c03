import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { freePort } from './free-port.ts'
import { bound, suspend } from './processes.ts'
import { requirement } from './requirements.ts'

/** A redis-server of its own on a free port of the loopback interface, ended with the test. Its data outlive its restarts. */
export class RedisServer {
  readonly port: number
  readonly #directory = mkdtempSync(join(tmpdir(), 'fastify-typed-ws-redis-'))
  readonly #args: readonly string[]
  #process: ChildProcess | null = null

  private constructor (port: number, args: readonly string[]) {
    this.port = port
    this.#args = args
  }

  /** Settles when it answers. Call it where `suiteNeeding(['redis-server'], …)` has found one. */
  static async start (t: Test, args: readonly string[] = []): Promise<RedisServer> {
    const server = new RedisServer(await (args.includes('--cluster-enabled') ? freePair() : freePort()), args)
    t.after(async () => {
      await server.kill()
      rmSync(server.#directory, { recursive: true, force: true })
    })
    await server.restart()
    return server
  }

  get url (): string {
    return `redis://127.0.0.1:${this.port}`
  }

  /** Settles when it has ended. */
  async kill (signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const running = this.#process
    if (running === null) return
    this.#process = null
    running.ref()
    const ended = running.exitCode === null && running.signalCode === null ? once(running, 'exit') : null
    running.kill(signal)
    await ended
  }

  /** On the same port, with the same data. */
  async restart (): Promise<void> {
    await this.kill()
    const path = requirement('redis-server')
    if (path === null) throw new Error('there is no redis-server')
    const own = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.#directory, '--save', '', '--daemonize', 'no', '--enable-debug-command', 'local']
    const [command, ...args] = bound(path)
    const running = spawn(command, [...args, ...own, ...this.#args], { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#process = running
    const end = (): void => { running.kill('SIGKILL') }
    process.once('exit', end)
    running.once('exit', () => process.off('exit', end))
    await isReady(running)
  }

  /** What it answers to a command, as it stands on the wire. */
  async command (...args: ReadonlyArray<string | number | Buffer>): Promise<string> {
    const socket = connect(this.port, '127.0.0.1')
    const parts = args.map(arg => Buffer.isBuffer(arg) ? arg : Buffer.from(String(arg)))
    socket.write(Buffer.concat([Buffer.from(`*${args.length}\r\n`), ...parts.flatMap(part => [Buffer.from(`$${part.length}\r\n`), part, Buffer.from('\r\n')])]))
    // QUIT ends the connection when the answer is whole.
    socket.write('*1\r\n$4\r\nQUIT\r\n')
    let answer = ''
    for await (const chunk of socket) answer += String(chunk)
    if (answer.startsWith('-')) throw new Error(answer)
    return answer.slice(0, answer.lastIndexOf('+OK\r\n'))
  }

  /** A figure of INFO. */
  async figure (section: string, name: string): Promise<number> {
    const [, value] = new RegExp(`^${name}:(?:calls=)?(\\d+)`, 'm').exec(await this.command('INFO', section)) ?? []
    return Number(value ?? 0)
  }

  /** It hangs, and its connections with it. Settles when it does. */
  async freeze (): Promise<void> {
    if (this.#process?.pid !== undefined) await suspend(this.#process.pid)
  }

  thaw (): void {
    this.#process?.kill('SIGCONT')
  }
}

async function isReady (running: ChildProcess): Promise<void> {
  let output = ''
  await new Promise<void>((resolve, reject) => {
    const onData = (chunk: Buffer): void => {
      output += String(chunk)
      if (output.includes('Ready to accept connections')) resolve()
    }
    running.stdout?.on('data', onData)
    running.stderr?.on('data', onData)
    running.once('error', reject)
    running.once('exit', () => reject(new Error(`redis-server ended: ${output}`)))
  })
  // What it says later on is read, so that it is never held up.
  running.stdout?.removeAllListeners('data').resume()
  running.stderr?.removeAllListeners('data').resume()
  // What is left when all tests have ended must not keep the process from noticing.
  running.unref()
  for (const output of [running.stdout, running.stderr]) {
    if (output instanceof Socket) output.unref()
  }
}

/** A server of a cluster listens on a second port, 10,000 above. */
async function freePair (): Promise<number> {
  for (;;) {
    // Below those that the system hands out by itself.
    const low = 10_000 + await freePort() % 20_000
    if (await isFree(low) && await isFree(low + 10_000)) return low
  }
}

async function isFree (port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
    return true
  } catch {
    return false
  } finally {
    server.close()
  }
}
