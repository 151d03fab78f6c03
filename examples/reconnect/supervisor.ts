import cluster from 'node:cluster'
import type { Worker } from 'node:cluster'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { carryRooms } from 'fastify-typed-ws/cluster'
import { isBalance, isKill } from './messages.ts'
import type { BalanceData } from './messages.ts'

/**
 * Starts the server anew whenever it is killed. As the primary of `node:cluster` this process carries the rooms and keeps their histories in its memory: so they outlive
 * the server.
 */
export class Supervisor {
  readonly #host: string
  #port: number
  #carrier = carryRooms()
  #balance: BalanceData = { number: 0, total: 0 }
  #site: Worker | null = null
  #timer: NodeJS.Timeout | null = null
  #isEnding = false

  /** @param port 0 for any: the server then comes back to the same */
  constructor (host: string, port: number) {
    this.#host = host
    this.#port = port
    cluster.setupPrimary({ exec: fileURLToPath(new URL('worker.js', import.meta.url)) })
  }

  get port (): number {
    return this.#port
  }

  /** Answers whether clients may come: not where it has ended meanwhile. */
  async start (): Promise<boolean> {
    const source = this.#fork('source')
    source.on('message', message => {
      if (!isBalance(message)) return
      this.#balance = message
      tell(this.#site, message)
    })
    source.once('exit', () => this.#fail('the source has ended'))
    return await this.#startSite()
  }

  async end (): Promise<void> {
    if (this.#isEnding) return
    this.#isEnding = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    const workers = Object.values(cluster.workers ?? {}).flatMap(worker => worker ?? [])
    await Promise.all(workers.map(async worker => {
      const exited = once(worker, 'exit')
      worker.process.kill('SIGTERM')
      await exited
    }))
    this.#carrier.stop()
  }

  #fork (role: 'site' | 'source'): Worker {
    const worker = cluster.fork({ ROLE: role, HOST: this.#host, PORT: String(this.#port) })
    worker.on('message', message => { if (message === 'balance?') tell(worker, this.#balance) })
    return worker
  }

  async #startSite (): Promise<boolean> {
    const site = this.#site = this.#fork('site')
    let away = 0
    let isReady = false
    site.on('message', message => {
      if (!isKill(message)) return
      away = message.away
      site.process.kill('SIGKILL')
      if (message.forget) this.#forget()
    })
    const exited = once(site, 'exit').then(() => {
      this.#site = null
      // One that has served comes back; one that never has would never.
      if (this.#isEnding) return false
      if (isReady) this.#timer = setTimeout(() => { void this.#startSite() }, away)
      else this.#fail('the server could not listen')
      return false
    })
    const listening = once(site, 'listening').then(([{ port }]) => {
      isReady = true
      this.#port = port
      return true
    })
    return await Promise.race([listening, exited])
  }

  /** As a broker that was started anew, and has lost what it kept. */
  #forget (): void {
    this.#carrier.stop()
    this.#carrier = carryRooms()
  }

  #fail (reason: string): void {
    if (this.#isEnding) return
    console.error(reason)
    process.exitCode = 1
    void this.end()
  }
}

/** Also one that was killed a moment ago: its end is not told yet, and nothing reaches it. */
function tell (worker: Worker | null, balance: BalanceData): void {
  worker?.send(balance, () => {})
}
