import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { address, authority, isProgram, tellAddress } from '../support/run.ts'
import { nginxConfig } from './nginx.ts'
import { accepting, exists, findPrograms, freePort, Program } from './programs.ts'

/** One process each, in a colour of this name. */
const names = ['amber', 'teal', 'plum']

/** How long whatever was killed stays away, in milliseconds: long enough to see what that does. */
const absence = 2_500

/** Redis, some processes of Node, and nginx before them. */
class Cluster {
  readonly #folder: string
  readonly #redis: Program
  readonly #redisPort: number
  readonly #processes: Program[]
  readonly #nginx: Program
  readonly #nginxPort: number
  readonly #ready: Promise<unknown>
  readonly #ending = new AbortController()

  private constructor (folder: string, paths: Record<'redis-server' | 'nginx', string>, redisPort: number, nginxPort: number, ports: readonly number[]) {
    this.#folder = folder
    this.#redisPort = redisPort
    this.#nginxPort = nginxPort
    const fatal = (name: string) => (how: string) => { void this.#fail(`${name} ended with ${how}`) }

    // What it has taken survives it: each command is written before it is answered.
    this.#redis = new Program('redis-server', paths['redis-server'], [
      '--port', String(redisPort), '--bind', '127.0.0.1', '--dir', folder, '--pidfile', join(folder, 'redis.pid'),
      '--appendonly', 'yes', '--appendfsync', 'always', '--save', '', '--maxmemory-policy', 'noeviction'
    ], fatal('redis-server'))

    const listening: Array<Promise<void>> = []
    this.#processes = ports.map((port, index) => {
      const { promise, resolve } = deferred()
      listening.push(promise)
      const name = names[index]
      let isReady = false
      const program: Program = new Program(name, process.execPath, [...process.execArgv, fileURLToPath(new URL('process.js', import.meta.url))], how => {
        // One that has served comes back; one that never has would never.
        if (isReady) void this.#startAgain(program)
        else fatal(name)(how)
      }, { NAME: name, PORT: String(port), REDIS_PORT: String(redisPort), FOLDER: folder }, message => {
        if (message === 'restart-redis') void this.#restartRedis()
        if (message !== 'listening') return
        isReady = true
        resolve()
      })
      return program
    })
    this.#ready = Promise.all(listening)
    this.#nginx = new Program('nginx', paths.nginx, ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr'], fatal('nginx'))
  }

  /**
   * @param port 0 for any
   *
   * @throws an error that names the programs which are not installed
   */
  static async prepare (host: string, port: number): Promise<Cluster> {
    const paths = findPrograms(['redis-server', 'nginx'])
    const folder = await mkdtemp(join(tmpdir(), 'cluster-'))
    const [redisPort, anyPort, ...ports] = await Promise.all(['redis', 'nginx', ...names].map(freePort))
    const nginxPort = port === 0 ? anyPort : port
    await writeFile(join(folder, 'nginx.conf'), nginxConfig(folder, authority(host, nginxPort), ports))
    return new Cluster(folder, paths, redisPort, nginxPort, ports)
  }

  get port (): number {
    return this.#nginxPort
  }

  get #isEnding (): boolean {
    return this.#ending.signal.aborted
  }

  /** Answers whether clients may come: not where it has ended meanwhile. */
  async start (): Promise<boolean> {
    const { signal } = this.#ending
    this.#redis.start()
    await accepting(this.#redisPort, signal)
    if (!signal.aborted) for (const program of this.#processes) program.start()
    await Promise.race([this.#ready, aborted(signal)])
    if (!signal.aborted) this.#nginx.start()
    await exists(join(this.#folder, 'nginx.pid'), signal)
    return !signal.aborted
  }

  /** Those first whom others need least. */
  async end (): Promise<void> {
    if (this.#isEnding) return
    this.#ending.abort()
    await Promise.all(this.#processes.map(program => program.end()))
    await this.#nginx.end()
    await this.#redis.end()
    await rm(this.#folder, { recursive: true })
  }

  async #fail (reason: string): Promise<void> {
    if (this.#isEnding) return
    console.error(reason)
    process.exitCode = 1
    await this.end()
  }

  async #startAgain (program: Program): Promise<void> {
    await delay(absence)
    if (!this.#isEnding) program.start()
  }

  async #restartRedis (): Promise<void> {
    await this.#redis.end('SIGKILL')
    await delay(absence)
    if (!this.#isEnding) this.#redis.start()
  }
}

async function aborted (signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort')
}

function deferred (): { promise: Promise<void>, resolve: () => void } {
  let resolve = (): void => {}
  const promise = new Promise<void>(_resolve => { resolve = _resolve })
  return { promise, resolve }
}

async function run (): Promise<void> {
  const { host, port } = address()
  const cluster = await Cluster.prepare(host, port)
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => { void cluster.end() })
  if (await cluster.start()) tellAddress(host, cluster.port)
}

if (isProgram(import.meta.url)) {
  run().catch((error: Error) => {
    console.error(error.message)
    process.exitCode = 1
  })
}
