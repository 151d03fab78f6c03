import { randomBytes } from 'node:crypto'
import type { AdapterState, Envelope, HistoryEvent, HistoryPage } from '../../../types/adapter.ts'
import { FST_ERR_WS_ADAPTER, FST_ERR_WS_ADAPTER_UNAVAILABLE, FST_ERR_WS_SEND_INVALID } from '../../errors.ts'
import { outside } from '../../outside.ts'
import { Flow } from './flow.ts'
import type { Port } from './port.ts'
import { read, readEnvelope, readEvent, readPage, readReport, weightOf, write } from './wire.ts'
import type { Items, Message, Request } from './wire.ts'

/** Times in milliseconds, sizes in bytes. */
export interface SessionBounds {
  /** How long the primary has to answer when it starts. */
  readonly startTimeout: number
  /** How long it has to take something. */
  readonly timeout: number
  /** How often it is asked whether it is there, and asked to let us in where it is not. */
  readonly interval: number
  /** How much may be on its way to it. */
  readonly limit: number
  /** How long stopping waits for what was published before. */
  readonly stopTimeout: number
}

export const sessionBounds: SessionBounds = Object.freeze({ startTimeout: 5_000, timeout: 3_000, interval: 1_000, limit: 32 * 1024 * 1024, stopTimeout: 1_000 })

/** How much is received before it is acknowledged: little of what the primary lets be on its way. */
const patience = 256 * 1024

/** An item that the primary has not taken. */
interface Pending {
  page: HistoryPage | null
  readonly resolve: (page: HistoryPage | null) => void
  readonly reject: (error: Error) => void
}

/** Whose sessions these are. Channels are those of the wire. */
export interface SessionOwner {
  /** What is to be subscribed to. */
  readonly channels: ReadonlySet<string>
  onEnvelope (channel: string, envelope: Envelope): void
  onEvent (channel: string, event: HistoryEvent): void
  onState (state: AdapterState, error: Error | null): void
  onRefused (error: Error): void
}

/** A worker's sessions with the primary, one after the other: it begins anew whenever one was lost, and subscribes to everything again before it is ready. */
export class Sessions {
  readonly #port: Port
  readonly #node: string
  readonly #owner: SessionOwner
  readonly #bounds: SessionBounds
  readonly #pending = new Map<number, Pending>()
  #session = ''
  /** null until the primary has let us in. */
  #flow: Flow | null = null
  /** Whether a `hello` is with the operating system, so that another one may follow. */
  #isHelloWritten = true
  /** As the owner was told. */
  #isReady = false
  #heardAt = 0
  #timer: NodeJS.Timeout | null = null
  #onStarted: (error: Error | null) => void = ignore

  constructor (port: Port, node: string, owner: SessionOwner, bounds: SessionBounds) {
    this.#port = port
    this.#node = node
    this.#owner = owner
    this.#bounds = bounds
  }

  /** @throws FST_ERR_WS_ADAPTER when the primary does not let us in */
  async start (): Promise<void> {
    const { startTimeout, interval } = this.#bounds
    let timer: NodeJS.Timeout | null = null
    try {
      await new Promise<void>((resolve, reject) => {
        this.#onStarted = error => { if (error === null) resolve(); else reject(error) }
        timer = setTimeout(() => reject(new FST_ERR_WS_ADAPTER(`the primary has not answered within ${startTimeout} ms: it has to call carryRooms()`)), startTimeout)
        this.#port.open(message => this.#onMessage(message), () => this.#onGone())
        this.#timer = outside(() => setInterval(() => this.#onTick(), interval))
        this.#begin()
      })
    } catch (error) {
      this.#end()
      throw error
    } finally {
      this.#onStarted = ignore
      if (timer !== null) clearTimeout(timer)
    }
  }

  /** Settles when the primary has done it; of a read, with a page. Rejects at once where it is not reached, or does not take what was sent before. */
  async request (request: Request, weight: number): Promise<HistoryPage | null> {
    const flow = this.#flow
    if (flow === null || !this.#isReady) throw new FST_ERR_WS_ADAPTER_UNAVAILABLE('the primary is not reached')
    if (weight > this.#bounds.limit) throw new FST_ERR_WS_SEND_INVALID(`a message of more than ${this.#bounds.limit} bytes is too large for the IPC channel`)
    if (!flow.hasRoom(weight)) throw new FST_ERR_WS_ADAPTER_UNAVAILABLE(`${this.#bounds.limit} bytes are on their way to the primary already`)
    return await this.#ask(flow, request, weight)
  }

  /** Subscribes or unsubscribes, where the primary is reached; otherwise it is told when we are let in, and where that ends meanwhile, when we are again. */
  async tell (request: Request, weight: number): Promise<void> {
    if (this.#flow !== null) await this.#ask(this.#flow, request, weight).catch(ignore)
  }

  async stop (): Promise<void> {
    let timer: NodeJS.Timeout | null = null
    if (this.#flow !== null) {
      const timeout = new Promise(resolve => { timer = setTimeout(resolve, this.#bounds.stopTimeout) })
      await Promise.race([this.#ask(this.#flow, ['bye'], weightOf('')).catch(ignore), timeout])
    }
    if (timer !== null) clearTimeout(timer)
    this.#end()
  }

  #ask (flow: Flow, request: Request, weight: number): Promise<HistoryPage | null> {
    return new Promise((resolve, reject) => {
      this.#pending.set(flow.put(request, weight), { page: null, resolve, reject })
    })
  }

  #begin (): void {
    this.#session = randomBytes(9).toString('base64url')
    this.#isHelloWritten = true
    this.#sayHello()
  }

  #sayHello (): void {
    if (!this.#isHelloWritten) return
    this.#isHelloWritten = false
    this.#port.send(write({ kind: 'hello', session: this.#session, node: this.#node }), () => { this.#isHelloWritten = true })
  }

  async #onWelcome (): Promise<void> {
    if (this.#flow !== null) return
    this.#heardAt = performance.now()
    const flow = this.#flow = new Flow(this.#port, this.#session, this.#bounds.limit, patience)
    const asked = [...this.#owner.channels].map(channel => this.#ask(flow, ['subscribe', channel], weightOf(channel)))
    try {
      await Promise.all(asked)
    } catch {
      // The session has ended, and with it what waited for its end.
      return
    }
    if (this.#flow !== flow) return
    this.#isReady = true
    if (this.#onStarted !== ignore) this.#onStarted(null)
    else this.#owner.onState('ready', null)
  }

  #lose (error: Error): void {
    this.#flow?.close()
    this.#flow = null
    this.#session = ''
    const pending = [...this.#pending.values()]
    this.#pending.clear()
    for (const { reject } of pending) reject(error)
    if (!this.#isReady) return
    this.#isReady = false
    this.#owner.onState('unavailable', error)
  }

  #end (): void {
    this.#isReady = false
    this.#lose(new FST_ERR_WS_ADAPTER_UNAVAILABLE('it has stopped'))
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
    this.#port.close()
  }

  /** The primary has gone, or this worker has disconnected from it: that is for good. */
  #onGone (): void {
    const error = new FST_ERR_WS_ADAPTER_UNAVAILABLE('the IPC channel to the primary is closed')
    this.#onStarted(new FST_ERR_WS_ADAPTER(error.message))
    this.#lose(error)
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
  }

  #onTick (): void {
    const flow = this.#flow
    if (flow === null) {
      if (this.#session === '') this.#begin()
      else this.#sayHello()
      return
    }
    flow.acknowledge()
    if (flow.isIdle) this.#ask(flow, ['ping'], weightOf('')).catch(ignore)
    // Where this process was busy, or was stopped, the answer may be here: it is read before anybody is judged.
    else if (this.#isSilent(flow)) setImmediate(() => { if (this.#flow === flow && this.#isSilent(flow)) this.#onSilence() })
  }

  #isSilent (flow: Flow): boolean {
    return !flow.isIdle && performance.now() - Math.max(flow.waitingSince, this.#heardAt) > this.#bounds.timeout
  }

  #onSilence (): void {
    this.#lose(new FST_ERR_WS_ADAPTER_UNAVAILABLE(`the primary has taken nothing for ${this.#bounds.timeout} ms`))
    this.#begin()
  }

  /* What the primary says. */

  #onMessage (value: unknown): void {
    let message: Message | null
    try {
      message = read(value)
    } catch (error) {
      this.#refuse(error)
      return
    }
    if (message === null || message.session !== this.#session) return
    switch (message.kind) {
      case 'welcome':
        void this.#onWelcome()
        break
      case 'lost':
        this.#onLost(message.reason)
        break
      case 'items':
        this.#onItems(message)
        break
      default:
    }
  }

  #onLost (reason: string): void {
    const wasIn = this.#flow !== null
    this.#onStarted(new FST_ERR_WS_ADAPTER(`the primary does not let this process in: ${reason}`))
    this.#lose(new FST_ERR_WS_ADAPTER_UNAVAILABLE(`the primary has let this process go: ${reason}`))
    // It is there: whoever was in is let in again. Others try in a while.
    if (wasIn) this.#begin()
  }

  #onItems (message: Items): void {
    const flow = this.#flow
    if (flow === null) return
    this.#heardAt = performance.now()
    const isWhole = flow.receive(message)
    if (isWhole) for (const item of message.items) this.#onItem(item)
    // Whoever was told of an item may have stopped us.
    if (this.#flow !== flow) return
    if (isWhole && flow.onTaken(message.taken)) {
      this.#onTaken(message.taken)
    } else {
      this.#lose(new FST_ERR_WS_ADAPTER_UNAVAILABLE('what the primary sent has not come whole'))
      this.#begin()
    }
  }

  #onTaken (taken: number): void {
    for (const [id, { page, resolve }] of this.#pending) {
      if (id > taken) break
      this.#pending.delete(id)
      resolve(page)
    }
  }

  #onItem (item: unknown): void {
    try {
      const report = readReport(item)
      switch (report[0]) {
        case 'envelope':
          this.#owner.onEnvelope(report[1], readEnvelope(report[2]))
          break
        case 'event':
          this.#owner.onEvent(report[1], readEvent(report[2]))
          break
        case 'page':
          this.#onPage(report[1], readPage(report[2]))
          break
        case 'refused':
          this.#onRefused(report[1], report[2])
      }
    } catch (error) {
      this.#refuse(error)
    }
  }

  #onPage (id: number, page: HistoryPage): void {
    const pending = this.#pending.get(id)
    if (pending !== undefined) pending.page = page
  }

  #onRefused (id: number, reason: string): void {
    this.#pending.get(id)?.reject(new FST_ERR_WS_ADAPTER(`the primary has refused it: ${reason}`))
    this.#pending.delete(id)
  }

  #refuse (error: unknown): void {
    this.#owner.onRefused(error as Error)
  }
}

function ignore (): void {}
