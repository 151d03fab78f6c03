import type { AdapterState } from '../../../types/adapter.ts'
import type { NatsConnectionLike } from '../../../types/nats.ts'
import { FST_ERR_WS_ADAPTER, FST_ERR_WS_ADAPTER_UNAVAILABLE } from '../../errors.ts'
import { outside } from '../../outside.ts'

/** How long the server may be out of reach when the adapter starts, in milliseconds. */
const startTimeout = 5_000
/** Between an answer of the server and the next question, in milliseconds. */
const pingInterval = 1_000
/** The same while it is unavailable. */
const retryInterval = 100
/** How many subjects are remembered that the server takes nothing for. */
const mostRefused = 1_000

/** What of a connection's status says that it is lost. Whatever says that it is back is asked of the server. */
const losses: Readonly<Record<string, string>> = Object.freeze({
  disconnect: 'the connection to the NATS server was lost',
  staleConnection: 'the NATS server does not answer pings',
  forceReconnect: 'the application had the connection reconnect',
  close: 'the NATS connection is closed, and does not come back: connect with maxReconnectAttempts: -1'
})

export type OnState = (state: AdapterState, error: Error | null) => void

/**
 * The user's connection, and whether the server answers. The library connects again and subscribes again by itself; the carrier is ready when the server has answered to
 * what was sent after that. A server that hangs is known by its silence.
 */
export class Carrier {
  readonly #connection: NatsConnectionLike
  readonly #timeout: number
  #onState: OnState | null = null
  #statuses: ReturnType<NatsConnectionLike['status']> | null = null
  #error: Error | null = null
  /** Counts losses: what was asked before one of them says nothing of what is. */
  #losses = 0
  /** Ends what is under way. */
  readonly #underWay = new Set<(error: Error) => void>()
  #flushing: Promise<void> | null = null
  readonly #departures = new Set<(error: Error | null) => void>()
  /** Subjects that the server has refused to take something for: so it does for as long as the connection lasts. */
  readonly #refused = new Map<string, Error>()
  #pinging: NodeJS.Timeout | undefined
  #isStopped = false
  #wake: (() => void) | null = null

  /** @param timeout how long the server may take to answer, in milliseconds */
  constructor (connection: NatsConnectionLike, timeout: number) {
    this.#connection = connection
    this.#timeout = timeout
  }

  get connection (): NatsConnectionLike {
    return this.#connection
  }

  /** How long the server may take to answer, in milliseconds. */
  get timeout (): number {
    return this.#timeout
  }

  /** Why it is unavailable; null while it is ready. */
  get error (): Error | null {
    return this.#error
  }

  /** How often it was lost. */
  get losses (): number {
    return this.#losses
  }

  /** @throws FST_ERR_WS_ADAPTER, as a rejection */
  async start (onState: OnState): Promise<void> {
    await this.#reach()
    this.#onState = onState
    outside(() => {
      void this.#follow()
      void this.#watch()
    })
  }

  stop (): void {
    this.#isStopped = true
    clearTimeout(this.#pinging)
    this.#lose(new FST_ERR_WS_ADAPTER_UNAVAILABLE('it has stopped'))
    this.#wake?.()
    this.#statuses?.stop?.()
  }

  /**
   * Asks something of the server: rejects at once while that is unavailable or when it is lost, and when it takes too long.
   *
   * @throws FST_ERR_WS_ADAPTER_UNAVAILABLE, as a rejection
   */
  ask<Answer> (question: () => Promise<Answer>, timeout = this.#timeout): Promise<Answer> {
    if (this.#error !== null) return Promise.reject(this.#error)
    return new Promise((resolve, reject) => {
      const end = (error: unknown): void => {
        clearTimeout(timer)
        this.#underWay.delete(end)
        reject(error)
      }
      const timer = setTimeout(() => end(new FST_ERR_WS_ADAPTER_UNAVAILABLE(`the NATS server did not answer within ${timeout} ms`)), timeout)
      this.#underWay.add(end)
      question().then(answer => {
        clearTimeout(timer)
        this.#underWay.delete(end)
        resolve(answer)
      }, end)
    })
  }

  /**
   * Settles when the server has all that was sent until the end of this tick: one question for all who want to know.
   *
   * @param depart sends, when the tick ends; called once a tick. While the server is unavailable there is nothing to send
   */
  flush (depart?: (error: Error | null) => void): Promise<void> {
    if (this.#error !== null) return Promise.reject(this.#error)
    if (depart !== undefined) this.#departures.add(depart)
    this.#flushing ??= this.ask(() => this.#depart())
    return this.#flushing
  }

  async #depart (): Promise<void> {
    await afterTick()
    this.#flushing = null
    const departures = [...this.#departures]
    this.#departures.clear()
    for (const depart of departures) depart(this.#error)
    if (this.#error !== null) return
    await this.#connection.flush()
    // What the server said before it answered has been heard then.
    await afterTick()
  }

  /** Why the server did not take something for the subject; null when it did. To be asked when `flush` has settled. */
  refusalOf (subject: string): Error | null {
    return this.#refused.get(subject) ?? null
  }

  async #reach (): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<Error>(resolve => { timer = setTimeout(() => resolve(new Error(`the NATS server did not answer within ${startTimeout} ms`)), startTimeout) })
    let error: Error | null
    do {
      if (this.#connection.isClosed()) error = new Error('the NATS connection is closed')
      else error = await Promise.race([late, this.#answers()])
    } while (error === lost)
    clearTimeout(timer)
    if (error !== null) throw new FST_ERR_WS_ADAPTER(error.message)
  }

  /** null when the server has answered. */
  async #answers (): Promise<Error | null> {
    try {
      await this.#connection.flush()
      return null
    } catch {
      await this.#pause(retryInterval)
      return lost
    }
  }

  async #follow (): Promise<void> {
    this.#statuses = this.#connection.status()
    for await (const { type, error } of this.#statuses) {
      if (this.#isStopped) return
      if (Object.hasOwn(losses, type)) this.#lose(new FST_ERR_WS_ADAPTER_UNAVAILABLE(losses[type]))
      else if (type === 'reconnect') this.#wake?.()
      else if (type === 'error' && error instanceof Error && Reflect.get(error, 'operation') === 'publish') this.#refuse(String(Reflect.get(error, 'subject')), error)
    }
  }

  #refuse (subject: string, error: Error): void {
    if (this.#refused.size >= mostRefused) this.#refused.clear()
    this.#refused.set(subject, error)
  }

  async #watch (): Promise<void> {
    while (!this.#isStopped && !this.#connection.isClosed()) {
      const { losses } = this
      const isAnswered = await this.#ping()
      if (isAnswered && losses === this.#losses) this.#find()
      if (this.#error !== null && isAnswered) continue
      await this.#pause(this.#error === null ? pingInterval : retryInterval)
    }
    if (!this.#isStopped) this.#lose(new FST_ERR_WS_ADAPTER_UNAVAILABLE(losses.close))
  }

  /** Waits for the answer for as long as it takes: a server that hangs answers when it goes on. */
  async #ping (): Promise<boolean> {
    this.#pinging = setTimeout(() => this.#lose(new FST_ERR_WS_ADAPTER_UNAVAILABLE(`the NATS server did not answer within ${this.#timeout} ms`)), this.#timeout)
    try {
      await this.#connection.flush()
      return true
    } catch {
      return false
    } finally {
      clearTimeout(this.#pinging)
    }
  }

  #find (): void {
    if (this.#error === null || this.#isStopped) return
    this.#error = null
    this.#onState?.('ready', null)
  }

  #lose (error: Error): void {
    this.#losses++
    this.#refused.clear()
    const wasReady = this.#error === null
    this.#error ??= error
    for (const end of this.#underWay) end(this.#error)
    if (wasReady && !this.#isStopped) this.#onState?.('unavailable', error)
  }

  #pause (milliseconds: number): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, milliseconds)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

const lost = new Error('the NATS server is out of reach')

/** When all microtasks of the tick have run: what is sent until then leaves together. */
function afterTick (): Promise<void> {
  return new Promise(resolve => queueMicrotask(() => process.nextTick(resolve)))
}
