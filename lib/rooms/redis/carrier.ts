import type { AdapterState } from '../../../types/adapter.ts'
import { FST_ERR_WS_ADAPTER, FST_ERR_WS_ADAPTER_UNAVAILABLE } from '../../errors.ts'
import { outside } from '../../outside.ts'
import { errorOf } from './redis-port.ts'
import type { RedisPort } from './redis-port.ts'
import { Session } from './session.ts'

/** What the carrier tells the adapter. */
export interface CarrierListener {
  onMessage (key: string, channel: string, bytes: Buffer): void
  onState (state: AdapterState, error: Error | null): void
}

/** How long Redis may take to be there at the start, in milliseconds. */
const startTimeout = 4_500
/** How long it may take later on, each time. */
const openTimeout = 4_500
/** How long after a session was lost, or not to be had, the next one is opened, in milliseconds: twice as long each time, up to a quarter less at random. */
const firstPause = 50
const lastPause = 2_000
/** How long a session has to last until the next one is opened as if it were the first, in milliseconds. */
const lasting = 10_000

/** Keeps a session with Redis open, and subscribed to what is wanted. */
export class Carrier {
  readonly #port: RedisPort
  readonly #commandTimeout: number
  readonly #listener: CarrierListener
  /** Channels by their keys. */
  readonly #wanted = new Map<string, string>()
  /** null while there is none that is subscribed to all that is wanted. */
  #session: Session | null = null
  #openedAt = 0
  #error: Error = new Error('it has not started')
  #pause = firstPause
  #timer: NodeJS.Timeout | undefined
  /** The one that is being opened, or was last. */
  #next: Session | null = null
  /** Whether there has been one. */
  #isStarted = false
  #isStopped = false

  constructor (port: RedisPort, commandTimeout: number, listener: CarrierListener) {
    this.#port = port
    this.#commandTimeout = commandTimeout
    this.#listener = listener
  }

  /** @throws FST_ERR_WS_ADAPTER_UNAVAILABLE while there is none */
  get session (): Session {
    if (this.#session === null) throw new FST_ERR_WS_ADAPTER_UNAVAILABLE(this.#error.message)
    return this.#session
  }

  /** @throws FST_ERR_WS_ADAPTER when Redis is not reached in time, as a rejection */
  async start (): Promise<void> {
    const end = performance.now() + startTimeout
    for (;;) {
      let error: Error
      try {
        await this.#open(end - performance.now())
        return
      } catch (reason) {
        error = errorOf(reason)
      }
      const pause = this.#nextPause()
      if (this.#isStopped || performance.now() + pause >= end) throw new FST_ERR_WS_ADAPTER(`Redis was not reached: ${error.message}`)
      await new Promise(resolve => { setTimeout(resolve, pause) })
    }
  }

  /** While there is no session it is remembered. */
  async subscribe (key: string, channel: string): Promise<void> {
    this.#wanted.set(key, channel)
    await this.#settle(key)
  }

  async unsubscribe (key: string): Promise<void> {
    this.#wanted.delete(key)
    await this.#settle(key)
  }

  async #settle (key: string): Promise<void> {
    try {
      if (this.#session === null) this.#next?.note(key)
      else await this.#session.settle(key)
    } catch {
      // The session is lost by that, and the next one is subscribed to all that is wanted.
    }
  }

  async stop (): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#timer)
    const session = this.#session
    this.#session = null
    this.#error = new Error('it has stopped')
    await Promise.all([session?.end(), this.#next?.end()])
  }

  #open (timeout: number): Promise<void> {
    // It outlives the request in which it happens to be needed.
    return outside(() => this.#openOne(timeout))
  }

  async #openOne (timeout: number): Promise<void> {
    const session = new Session(this.#port, this.#commandTimeout, this.#wanted, {
      onMessage: (key, bytes) => this.#onMessage(key, bytes),
      onLost: (session, error) => this.#onLost(session, error)
    })
    this.#next = session
    await session.open(timeout)
    // What is wanted may change meanwhile.
    do await session.settleAll()
    while (!session.isSettled)
    // From here on in one go: what is wanted then, and a loss, are told to this one.
    if (session.error !== null) throw session.error
    this.#session = session
    this.#openedAt = performance.now()
    if (this.#isStarted) this.#listener.onState('ready', null)
    this.#isStarted = true
  }

  #onMessage (key: string, bytes: Buffer): void {
    const channel = this.#wanted.get(key)
    if (channel !== undefined) this.#listener.onMessage(key, channel, bytes)
  }

  #onLost (session: Session, error: Error): void {
    // One that is being opened is no loss.
    if (this.#session !== session) return
    this.#session = null
    this.#error = error
    if (performance.now() - this.#openedAt > lasting) this.#pause = firstPause
    this.#listener.onState('unavailable', error)
    this.#reopenLater()
  }

  #reopenLater (): void {
    if (this.#isStopped) return
    this.#timer = setTimeout(() => { void this.#reopen() }, this.#nextPause())
  }

  async #reopen (): Promise<void> {
    try {
      await this.#open(openTimeout)
    } catch (error) {
      this.#error = errorOf(error)
      this.#reopenLater()
    }
  }

  #nextPause (): number {
    const pause = this.#pause
    this.#pause = Math.min(pause * 2, lastPause)
    return pause * (1 - Math.random() / 4)
  }
}
