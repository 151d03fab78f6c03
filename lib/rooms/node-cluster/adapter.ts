import { randomBytes } from 'node:crypto'
import type { Adapter, AdapterContext, AdapterHistory, Envelope, HistoryEvent, HistoryPage, HistorySettings, MessageEnvelope, Position } from '../../../types/adapter.ts'
import { FST_ERR_WS_ADAPTER, FST_ERR_WS_ADAPTER_UNAVAILABLE } from '../../errors.ts'
import { outside } from '../../outside.ts'
import { Flow } from './flow.ts'
import type { Port } from './port.ts'
import { read, readEnvelope, readEvent, readPage, readReport, weightOf, write, writeEnvelope } from './wire.ts'
import type { Items, Message, Request } from './wire.ts'

/** Times in milliseconds, sizes in bytes. */
export interface AdapterBounds {
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

export const adapterBounds: AdapterBounds = Object.freeze({ startTimeout: 5_000, timeout: 3_000, interval: 1_000, limit: 32 * 1024 * 1024, stopTimeout: 1_000 })

/** How much is received before it is acknowledged: little of what the primary lets be on its way. */
const patience = 256 * 1024

/** An item that the primary has not taken. */
interface Pending {
  page: HistoryPage | null
  readonly resolve: (page: HistoryPage | null) => void
  readonly reject: (error: Error) => void
}

/** A worker's end: asks the primary for everything. */
export class ClusterAdapter implements Adapter, AdapterHistory {
  readonly history = this
  readonly #port: Port | null
  readonly #prefix: string
  readonly #bounds: AdapterBounds
  readonly #channels = new Set<string>()
  readonly #pending = new Map<number, Pending>()
  #context: AdapterContext | null = null
  #session = ''
  /** null until the primary has let us in. */
  #flow: Flow | null = null
  /** Whether a `hello` is with the operating system, so that another one may follow. */
  #isHeard = true
  /** As the registry was told. */
  #isReady = false
  #heardAt = 0
  #timer: NodeJS.Timeout | null = null
  #onStarted: (error: Error | null) => void = ignore

  /** @param port null where there is none */
  constructor (port: Port | null, namespace: string, bounds: AdapterBounds = adapterBounds) {
    this.#port = port
    this.#prefix = `${namespace}:`
    this.#bounds = bounds
  }

  async start (context: AdapterContext): Promise<void> {
    const port = this.#port
    if (port === null) throw new FST_ERR_WS_ADAPTER('this process has no IPC channel: it was not started by node:cluster')
    this.#context = context
    const { startTimeout, interval } = this.#bounds
    let timer: NodeJS.Timeout | null = null
    try {
      await new Promise<void>((resolve, reject) => {
        this.#onStarted = error => { if (error === null) resolve(); else reject(error) }
        timer = setTimeout(() => reject(new FST_ERR_WS_ADAPTER(`the primary has not answered within ${startTimeout} ms: it has to call carryRooms()`)), startTimeout)
        port.open(message => this.#onMessage(message), () => this.#onGone())
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

  async publish (channel: string, envelope: Envelope): Promise<void> {
    await this.#request(['publish', this.#prefix + channel, writeEnvelope(envelope)], weightOf(channel, [envelope]))
  }

  async append (channel: string, envelopes: readonly MessageEnvelope[], settings: HistorySettings): Promise<void> {
    await this.#request(['append', this.#prefix + channel, envelopes.map(writeEnvelope), settings], weightOf(channel, envelopes))
  }

  /** In parts: a history may be larger than what one message should be. */
  async read (channel: string, after: Position | null, settings: HistorySettings): Promise<HistoryPage> {
    let page = await this.#readPart(channel, after, settings)
    for (;;) {
      const last = page.events.at(-1)
      if (last === undefined || last.offset >= page.head) return page
      const next = await this.#readPart(channel, last, settings)
      const follows = next.epoch === page.epoch && next.floor <= last.offset
      if (follows && next.events.length === 0 && next.head > last.offset) throw new FST_ERR_WS_ADAPTER_UNAVAILABLE('a history was not read to its end')
      // Where the first part is trimmed meanwhile it is no harm: it is here.
      page = follows ? { ...next, floor: page.floor, events: [...page.events, ...next.events] } : next
    }
  }

  async subscribe (channel: string): Promise<void> {
    await this.#setSubscribed('subscribe', this.#prefix + channel)
  }

  async unsubscribe (channel: string): Promise<void> {
    await this.#setSubscribed('unsubscribe', this.#prefix + channel)
  }

  async stop (): Promise<void> {
    let timer: NodeJS.Timeout | null = null
    if (this.#flow !== null) {
      const timeout = new Promise(resolve => { timer = setTimeout(resolve, this.#bounds.stopTimeout) })
      await Promise.race([this.#request(['bye'], weightOf('')).catch(ignore), timeout])
    }
    if (timer !== null) clearTimeout(timer)
    this.#end()
  }

  async #readPart (channel: string, after: Position | null, settings: HistorySettings): Promise<HistoryPage> {
    const position = after === null ? null : { epoch: after.epoch, offset: after.offset }
    const page = await this.#request(['read', this.#prefix + channel, position, settings], weightOf(channel))
    if (page === null) throw new FST_ERR_WS_ADAPTER_UNAVAILABLE('the primary has not answered')
    return page
  }

  async #setSubscribed (kind: 'subscribe' | 'unsubscribe', channel: string): Promise<void> {
    if (kind === 'subscribe') this.#channels.add(channel)
    else this.#channels.delete(channel)
    // Otherwise it is told when we are let in; and where that ends meanwhile, when we are again.
    if (this.#flow !== null) await this.#ask(this.#flow, [kind, channel], weightOf(channel)).catch(ignore)
  }

  async #request (request: Request, weight: number): Promise<HistoryPage | null> {
    const flow = this.#flow
    if (flow === null || !this.#isReady) throw new FST_ERR_WS_ADAPTER_UNAVAILABLE('the primary is not reached')
    if (!flow.hasRoom(weight)) throw new FST_ERR_WS_ADAPTER_UNAVAILABLE(`${this.#bounds.limit} bytes are on their way to the primary already`)
    return await this.#ask(flow, request, weight)
  }

  #ask (flow: Flow, request: Request, weight: number): Promise<HistoryPage | null> {
    return new Promise((resolve, reject) => {
      this.#pending.set(flow.put(request, weight), { page: null, resolve, reject })
    })
  }

  /* The session. */

  #begin (): void {
    this.#session = randomBytes(9).toString('base64url')
    this.#isHeard = true
    this.#sayHello()
  }

  #sayHello (): void {
    const { node } = this.#context ?? {}
    if (node === undefined || !this.#isHeard) return
    this.#isHeard = false
    this.#port?.send(write({ kind: 'hello', session: this.#session, node }), () => { this.#isHeard = true })
  }

  async #onWelcome (): Promise<void> {
    if (this.#flow !== null || this.#port === null) return
    this.#heardAt = performance.now()
    const flow = this.#flow = new Flow(this.#port, this.#session, this.#bounds.limit, patience)
    const asked = [...this.#channels].map(channel => this.#ask(flow, ['subscribe', channel], weightOf(channel)))
    try {
      await Promise.all(asked)
    } catch {
      // The session has ended, and with it what waited for its end.
      return
    }
    if (this.#flow !== flow) return
    this.#isReady = true
    if (this.#onStarted !== ignore) this.#onStarted(null)
    else this.#context?.onState('ready', null)
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
    this.#context?.onState('unavailable', error)
  }

  #end (): void {
    this.#isReady = false
    this.#lose(new FST_ERR_WS_ADAPTER_UNAVAILABLE('it has stopped'))
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
    this.#port?.close()
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
          this.#hand(report[1], readEnvelope(report[2]), (channel, envelope, context) => context.onEnvelope(channel, envelope))
          break
        case 'event':
          this.#hand(report[1], readEvent(report[2]), (channel, event, context) => context.onEvent(channel, event))
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

  /** What comes after it was unsubscribed from was on its way. */
  #hand<Value extends Envelope | HistoryEvent> (channel: string, value: Value, to: (channel: string, value: Value, context: AdapterContext) => void): void {
    if (this.#context !== null && this.#channels.has(channel)) to(channel.slice(this.#prefix.length), value, this.#context)
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
    this.#context?.onRefused('', error as Error)
  }
}

function ignore (): void {}
