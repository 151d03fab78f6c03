import { randomBytes } from 'node:crypto'
import type { AdapterHistory, HistoryEvent, HistoryPage, HistorySettings, MessageEnvelope, Position } from '../../../types/adapter.ts'
import { FST_ERR_WS_ENVELOPE } from '../../errors.ts'
import type { EnvelopeCodec } from '../envelope.ts'
import type { Carrier } from './carrier.ts'
import { codeOf, codes, isAbsent, unavailable } from './jetstream-api.ts'
import type { JetStreamApi, StoredMessage } from './jetstream-api.ts'
import { checkSize } from './outgoing.ts'
import { readRange } from './range.ts'
import type { RangeEntry } from './range.ts'
import { ServerClock } from './server-clock.ts'
import type { Stream, Streams } from './streams.ts'
import { historySubject, tokenOf } from './subjects.ts'

const mostTries = 5
/** For how many channels it is remembered how far an append came that failed. */
const mostRemembered = 1_000
const nothing = Buffer.alloc(0)

/**
 * Histories in JetStream: a message is one of the stream, its offset the sequence there. What is appended the stream publishes to the channel by itself.
 *
 * An empty message is a marker: it gives a room without messages a position, which those who have it can come back to. When the last message has expired, whoever looks puts a
 * marker behind it before the stream drops it, some time later: so those who have been there all the time can tell that they missed none.
 */
export class NatsHistory implements AdapterHistory {
  readonly #api: JetStreamApi
  readonly #carrier: Carrier
  readonly #codec: EnvelopeCodec
  readonly #streams: Streams
  readonly #namespace: string
  readonly #onRefused: (channel: string, error: unknown) => void
  readonly #clock = new ServerClock()
  /** Ids of messages that were kept before one behind them failed, by channel: a stream that was lost meanwhile does not know them. */
  readonly #kept = new Map<string, Set<string>>()

  constructor (api: JetStreamApi, carrier: Carrier, codec: EnvelopeCodec, streams: Streams, namespace: string, onRefused: (channel: string, error: unknown) => void) {
    this.#api = api
    this.#carrier = carrier
    this.#codec = codec
    this.#streams = streams
    this.#namespace = namespace
    this.#onRefused = onRefused
  }

  async append (channel: string, envelopes: readonly MessageEnvelope[], settings: HistorySettings): Promise<void> {
    const messages = envelopes.map(envelope => ({ id: `${envelope.node}:${envelope.seq}`, bytes: this.#codec.encode(channel, envelope) }))
    for (const { bytes } of messages) checkSize(this.#carrier, bytes)
    const kept = this.#kept.get(channel) ?? new Set()
    this.#kept.delete(channel)
    try {
      // One behind the other: of several at once one could fail, and come behind the others when it is tried again.
      for (const { id, bytes } of messages) {
        if (kept.has(id)) continue
        await this.#inStream(channel, settings, (stream, subject) => this.#api.append(stream.name, subject, bytes, id))
        kept.add(id)
      }
    } catch (error) {
      this.#remember(channel, kept)
      throw error
    }
  }

  /** How far it came, for when it is repeated. */
  #remember (channel: string, kept: Set<string>): void {
    if (kept.size === 0) return
    const [oldest] = this.#kept.keys()
    if (this.#kept.size >= mostRemembered) this.#kept.delete(oldest)
    this.#kept.set(channel, kept)
  }

  read (channel: string, after: Position | null, settings: HistorySettings): Promise<HistoryPage> {
    let placed = 0
    return this.#inStream(channel, settings, async (stream, subject) => {
      // One round trip: they leave together.
      const [isSame, last] = await Promise.all([this.#streams.isSame(stream), this.#api.last(stream.name, subject)])
      if (!isSame) {
        this.#streams.forget(stream)
        return null
      }
      if (last !== null && last.seq === placed) this.#clock.set(last.time)
      if (last === null || this.#clock.ageOf(last.time) > settings.ttl) {
        placed = await this.#mark(stream, subject, last?.seq ?? 0)
        return null
      }
      return await this.#page(channel, stream, subject, after, last, settings)
    })
  }

  /** Does something with the stream, again where that is not there any more or null is answered. */
  async #inStream<Result> (channel: string, settings: HistorySettings, action: (stream: Stream, subject: string) => Promise<Result | null>): Promise<Result> {
    let lastError: unknown = 'the history changes as fast as it is read'
    for (let tries = 0; tries < mostTries; tries++) {
      let stream: Stream | null = null
      try {
        stream = await this.#streams.get(settings)
        const result = await action(stream, historySubject(this.#namespace, stream.key, tokenOf(channel)))
        if (result !== null) return result
      } catch (error) {
        if (stream === null || !isAbsent(error)) throw unavailable(error)
        this.#streams.forget(stream)
        lastError = error
      }
    }
    throw unavailable(lastError)
  }

  /** Answers where it is; 0 when somebody else was first. */
  async #mark (stream: Stream, subject: string, last: number): Promise<number> {
    try {
      return await this.#api.append(stream.name, subject, nothing, randomBytes(12).toString('hex'), last)
    } catch (error) {
      if (codeOf(error) === codes.otherSequence) return 0
      throw error
    }
  }

  async #page (channel: string, { name, epoch }: Stream, subject: string, after: Position | null, { seq: head }: StoredMessage, { ttl }: HistorySettings): Promise<HistoryPage | null> {
    if (after === null || after.epoch !== epoch || after.offset >= head) return { epoch, head, floor: head, events: [] }
    // With the message at the position itself: where that is kept, all that came after it is.
    const entries = await readRange(this.#api, this.#carrier, this.#namespace, { stream: name, subject, from: Math.max(1, after.offset), to: head })
    if (entries === null) return null
    // Nothing can have been between two sequences that follow each other.
    let floor = Math.max(after.offset, entries[0].seq - 1)
    let previous = floor
    let events: HistoryEvent[] = []
    for (const entry of entries) {
      if (entry.seq <= after.offset) continue
      const envelope = this.#envelopeOf(channel, entry, ttl)
      if (envelope === 'none') {
        floor = entry.seq
        events = []
      } else if (envelope !== 'marker') {
        events.push({ epoch, offset: entry.seq, previous, envelope })
      }
      previous = entry.seq
    }
    return { epoch, head, floor, events }
  }

  #envelopeOf (channel: string, { data, time }: RangeEntry, ttl: number): MessageEnvelope | 'marker' | 'none' {
    if (data.length === 0) return 'marker'
    if (this.#clock.ageOf(time) > ttl) return 'none'
    try {
      return decodeMessage(this.#codec, channel, data)
    } catch (error) {
      this.#onRefused(channel, error)
      return 'none'
    }
  }
}

/** @throws FST_ERR_WS_ENVELOPE */
export function decodeMessage (codec: EnvelopeCodec, channel: string, { buffer, byteOffset, length }: Uint8Array): MessageEnvelope {
  const [envelope, ...others] = codec.decode(channel, Buffer.from(buffer, byteOffset, length))
  if (others.length > 0 || envelope.kind === 'close' || envelope.kind === 'control') throw new FST_ERR_WS_ENVELOPE('no message of a history')
  return envelope
}
