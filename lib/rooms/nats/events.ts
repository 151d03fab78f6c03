import type { HistoryEvent } from '../../../types/adapter.ts'
import type { NatsHeaders, NatsMessage } from '../../../types/nats.ts'
import { FST_ERR_WS_ENVELOPE } from '../../errors.ts'
import type { EnvelopeCodec } from '../envelope.ts'
import { decodeMessages } from './history.ts'
import { headOf, offsetOf } from './places.ts'
import type { Streams } from './streams.ts'

/** Headers that a stream puts to what it publishes. */
const streamHeader = 'Nats-Stream'
const sequenceHeader = 'Nats-Sequence'
const lastSequenceHeader = 'Nats-Last-Sequence'

/** The most messages of a channel that wait until it is known of which epoch they are. */
const mostWaiting = 1_000

/** What is known of a channel. */
interface Arrivals {
  /** The last message, where it was a marker: whoever has what came before that one has missed none. */
  marker: { readonly stream: string, readonly sequence: number, readonly previous: number } | null
  /** What came, and waits until it is known of which epoch it is; null when nothing waits. */
  waiting: NatsMessage[] | null
}

/** What streams publish to the channels of this process → events, in the order in which they come. */
export class Events {
  readonly #codec: EnvelopeCodec
  readonly #streams: Streams
  readonly #onEvent: (channel: string, event: HistoryEvent) => void
  readonly #onRefused: (channel: string, error: unknown) => void
  readonly #channels = new Map<string, Arrivals>()

  constructor (codec: EnvelopeCodec, streams: Streams, onEvent: (channel: string, event: HistoryEvent) => void, onRefused: (channel: string, error: unknown) => void) {
    this.#codec = codec
    this.#streams = streams
    this.#onEvent = onEvent
    this.#onRefused = onRefused
  }

  onMessage (channel: string, message: NatsMessage): void {
    let arrivals = this.#channels.get(channel)
    if (arrivals === undefined) this.#channels.set(channel, arrivals = { marker: null, waiting: null })
    const epoch = this.#streams.epochOf(streamOf(message))
    // What does not fit is read from the history when something follows it.
    if (arrivals.waiting !== null) {
      if (arrivals.waiting.length < mostWaiting) arrivals.waiting.push(message)
    } else if (epoch !== null) this.#hand(channel, arrivals, message, epoch)
    else void this.#lookUp(channel, arrivals, [message])
  }

  /** Nobody wants the channel any more. */
  drop (channel: string): void {
    this.#channels.delete(channel)
  }

  clear (): void {
    this.#channels.clear()
  }

  async #lookUp (channel: string, arrivals: Arrivals, waiting: NatsMessage[]): Promise<void> {
    arrivals.waiting = waiting
    for (let message = waiting.shift(); message !== undefined; message = waiting.shift()) {
      const epoch = await this.#epochOf(channel, streamOf(message))
      if (this.#channels.get(channel) !== arrivals) return
      if (epoch !== null) this.#hand(channel, arrivals, message, epoch)
    }
    arrivals.waiting = null
  }

  async #epochOf (channel: string, stream: string): Promise<string | null> {
    try {
      if (!this.#streams.isName(stream)) throw new FST_ERR_WS_ENVELOPE('of a stream that keeps no histories of ours')
      return await this.#streams.lookUp(stream)
    } catch (error) {
      this.#onRefused(channel, error)
      return null
    }
  }

  #hand (channel: string, arrivals: Arrivals, message: NatsMessage, epoch: string): void {
    try {
      const stream = streamOf(message)
      const sequence = numberOf(message.headers, sequenceHeader)
      const last = numberOf(message.headers, lastSequenceHeader)
      if (last >= sequence) throw new FST_ERR_WS_ENVELOPE('of a place that comes before the last one')
      const { marker } = arrivals
      arrivals.marker = null
      // Without one before it, anything may have been there.
      let previous = headOf(last === 0 ? sequence - 1 : last)
      if (marker !== null && marker.stream === stream && marker.sequence === last) previous = marker.previous
      if (message.data.length === 0) {
        if (last > 0) arrivals.marker = { stream, sequence, previous }
        return
      }
      const envelopes = decodeMessages(this.#codec, channel, message.data)
      for (const [index, envelope] of envelopes.entries()) {
        const offset = offsetOf(sequence, index, envelopes.length)
        this.#onEvent(channel, { epoch, offset, previous, envelope })
        previous = offset
      }
    } catch (error) {
      this.#onRefused(channel, error)
    }
  }
}

function streamOf ({ headers }: NatsMessage): string {
  return headers?.get(streamHeader) ?? ''
}

function numberOf (headers: NatsHeaders | undefined, name: string): number {
  const text = headers?.get(name) ?? ''
  const number = Number(text)
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(number)) throw new FST_ERR_WS_ENVELOPE(`${name} is no number`)
  return number
}
