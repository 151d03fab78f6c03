import type { Adapter, AdapterContext, AdapterHistory, Envelope, HistoryPage, HistorySettings, MessageEnvelope, Position } from '../../../types/adapter.ts'
import { FST_ERR_WS_ADAPTER, FST_ERR_WS_ADAPTER_UNAVAILABLE } from '../../errors.ts'
import { FewAtOnce } from '../few-at-once.ts'
import { Tail } from '../tail.ts'
import type { Port } from './port.ts'
import { sessionBounds, Sessions } from './sessions.ts'
import type { SessionBounds } from './sessions.ts'
import { weightOf, writeEnvelope } from './wire.ts'
import type { Request } from './wire.ts'

/** How much of what is appended at once one item carries, in bytes. */
const appendWeight = 1024 * 1024
/** How many histories are read at once: when the primary is back, all rooms want theirs, and their pages are not to be more than what may be on its way. */
const mostReads = 4

/** A worker's end: asks the primary for everything. */
export class ClusterAdapter implements Adapter, AdapterHistory {
  readonly history = this
  readonly #port: Port | null
  readonly #prefix: string
  readonly #bounds: SessionBounds
  readonly #channels = new Set<string>()
  #sessions: Sessions | null = null
  readonly #reads = new FewAtOnce(mostReads)

  /** @param port null where there is none */
  constructor (port: Port | null, namespace: string, bounds: SessionBounds = sessionBounds) {
    this.#port = port
    this.#prefix = `${namespace}:`
    this.#bounds = bounds
  }

  async start (context: AdapterContext): Promise<void> {
    if (this.#port === null) throw new FST_ERR_WS_ADAPTER('this process has no IPC channel: it was not started by node:cluster')
    const { node, onEnvelope, onEvent, onState, onRefused } = context
    this.#sessions = new Sessions(this.#port, node, {
      channels: this.#channels,
      onEnvelope: (channel, envelope) => this.#hand(channel, envelope, onEnvelope),
      onEvent: (channel, event) => this.#hand(channel, event, onEvent),
      onState,
      onRefused: error => onRefused('', error)
    }, this.#bounds)
    await this.#sessions.start()
  }

  async publish (channel: string, envelope: Envelope): Promise<void> {
    await this.#request(['publish', this.#prefix + channel, writeEnvelope(envelope)], weightOf(channel, [envelope]))
  }

  /** In parts, of which each waits for the one before: where that is not taken, what follows must not be. */
  async append (channel: string, envelopes: readonly MessageEnvelope[], settings: HistorySettings): Promise<void> {
    let start = 0
    while (start < envelopes.length) {
      let [end, weight] = [start, 0]
      do weight += weightOf('', [envelopes[end++]]); while (end < envelopes.length && weight < appendWeight)
      await this.#request(['append', this.#prefix + channel, envelopes.slice(start, end).map(writeEnvelope), settings], weight)
      start = end
    }
  }

  read (channel: string, after: Position | null, settings: HistorySettings): Promise<HistoryPage> {
    return this.#reads.run(() => this.#readParts(channel, after, settings))
  }

  async subscribe (channel: string): Promise<void> {
    await this.#setSubscribed('subscribe', this.#prefix + channel)
  }

  async unsubscribe (channel: string): Promise<void> {
    await this.#setSubscribed('unsubscribe', this.#prefix + channel)
  }

  async stop (): Promise<void> {
    await this.#sessions?.stop()
  }

  /** A history may be larger than what one message should be. */
  async #readParts (channel: string, after: Position | null, settings: HistorySettings): Promise<HistoryPage> {
    let page = await this.#readPart(channel, after, settings)
    let tail = new Tail(page.floor)
    for (;;) {
      for (const event of page.events) tail.push(event)
      const last = page.events.at(-1)
      if (last === undefined || last.offset >= page.head) return tail.page(page.epoch, page.head)
      const { epoch } = page
      page = await this.#readPart(channel, last, settings)
      // Where the first part is trimmed meanwhile it is no harm: it is here.
      const follows = page.epoch === epoch && page.floor <= last.offset
      if (follows && page.events.length === 0 && page.head > last.offset) throw new FST_ERR_WS_ADAPTER_UNAVAILABLE('a history was not read to its end')
      if (!follows) tail = new Tail(page.floor)
    }
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
    await this.#sessions?.tell([kind, channel], weightOf(channel))
  }

  async #request (request: Request, weight: number): Promise<HistoryPage | null> {
    if (this.#sessions === null) throw new FST_ERR_WS_ADAPTER_UNAVAILABLE('it has not started')
    return await this.#sessions.request(request, weight)
  }

  /** What comes after it was unsubscribed from was on its way. */
  #hand<Value> (channel: string, value: Value, to: (channel: string, value: Value) => void): void {
    if (this.#channels.has(channel)) to(channel.slice(this.#prefix.length), value)
  }
}
