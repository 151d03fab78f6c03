import { randomBytes } from 'node:crypto'
import type { AdapterHistory, Envelope, HistoryPage, HistorySettings, MessageEnvelope, Position } from '../../../types/adapter.ts'
import { FST_ERR_WS_ENVELOPE } from '../../errors.ts'
import type { EnvelopeCodec } from '../envelope.ts'
import { FewAtOnce } from '../few-at-once.ts'
import { Batches } from './batches.ts'
import type { Carrier } from './carrier.ts'
import { codeOf, codes, isAbsent, unavailable } from './jetstream-api.ts'
import type { JetStreamApi, StoredMessage } from './jetstream-api.ts'
import { checkSize, mostBytes } from './outgoing.ts'
import { PageBuilder } from './page-builder.ts'
import { headOf, mostTogether, sequenceOf } from './places.ts'
import { readRange } from './range.ts'
import type { RangeEntry } from './range.ts'
import { ServerClock } from './server-clock.ts'
import type { Stream, Streams } from './streams.ts'
import { historySubject, tokenOf } from './subjects.ts'

const mostTries = 5
/** How many histories are read at once: what is on its way for all of them together must not be what the server cuts us off for. */
const mostReads = 16
const nothing = Buffer.alloc(0)

/**
 * Histories in JetStream: the messages of one append are one of the stream, see `places.ts` for their offsets. What is appended the stream publishes to the channel by itself.
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
  readonly #batches = new Batches()
  readonly #ranges = new FewAtOnce(mostReads)

  constructor (api: JetStreamApi, carrier: Carrier, codec: EnvelopeCodec, streams: Streams, namespace: string, onRefused: (channel: string, error: unknown) => void) {
    this.#api = api
    this.#carrier = carrier
    this.#codec = codec
    this.#streams = streams
    this.#namespace = namespace
    this.#onRefused = onRefused
  }

  async append (channel: string, envelopes: readonly MessageEnvelope[], settings: HistorySettings): Promise<void> {
    if (this.#carrier.error !== null) throw this.#carrier.error
    const messages = envelopes.map(envelope => ({ envelope, bytes: this.#codec.encode(channel, envelope) }))
    for (const { bytes } of messages) checkSize(this.#carrier, bytes)
    await this.#batches.append(channel, messages, mostBytes(this.#carrier), batch => this.#inStream(channel, settings,
      (stream, subject) => this.#api.append(stream.name, subject, batch.bytes, batch.id)
    ))
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

  async #page (channel: string, { name, epoch }: Stream, subject: string, after: Position | null, { seq: last }: StoredMessage, { size, ttl }: HistorySettings): Promise<HistoryPage | null> {
    const head = headOf(last)
    if (after === null || after.epoch !== epoch || after.offset >= head) return { epoch, head, floor: head, events: [] }
    const builder = new PageBuilder(after, entry => this.#envelopesOf(channel, entry, ttl))
    // With the message at the position itself: where that is kept, all that came after it is.
    const query = { stream: name, subject, from: Math.max(1, sequenceOf(after.offset)), to: last }
    const isWhole = await this.#ranges.run(() => readRange(this.#api, this.#carrier, this.#namespace, query, entry => builder.add(entry)))
    return isWhole ? builder.page(head, size) : null
  }

  /** None of a marker; null for what is no part of the history any more, or never was. */
  #envelopesOf (channel: string, { data, time }: RangeEntry, ttl: number): readonly MessageEnvelope[] | null {
    if (data.length === 0) return noEnvelopes
    if (this.#clock.ageOf(time) > ttl) return null
    try {
      return decodeMessages(this.#codec, channel, data)
    } catch (error) {
      this.#onRefused(channel, error)
      return null
    }
  }
}

const noEnvelopes: readonly MessageEnvelope[] = Object.freeze([])

/** @throws FST_ERR_WS_ENVELOPE */
export function decodeMessages (codec: EnvelopeCodec, channel: string, { buffer, byteOffset, length }: Uint8Array): readonly MessageEnvelope[] {
  const envelopes = codec.decode(channel, Buffer.from(buffer, byteOffset, length))
  if (envelopes.length > mostTogether || !envelopes.every(isMessage)) throw new FST_ERR_WS_ENVELOPE('no messages of a history')
  return envelopes
}

function isMessage (envelope: Envelope): envelope is MessageEnvelope {
  return envelope.kind !== 'close' && envelope.kind !== 'control'
}
