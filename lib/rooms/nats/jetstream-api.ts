import type { NatsJetStreamLike } from '../../../types/nats.ts'
import { FST_ERR_WS_ADAPTER_UNAVAILABLE } from '../../errors.ts'
import type { Carrier } from './carrier.ts'

/** Numbers of the errors that JetStream answers with, as far as they make a difference. */
export const codes = Object.freeze({
  noMessage: 10037,
  noStream: 10059,
  otherStream: 10060,
  subjectsOverlap: 10065,
  otherSequence: 10071
})

/** What JetStream says of a stream. */
export interface StreamInfo {
  readonly created: string
  readonly config: { readonly name: string }
}

/** A message as it is kept. */
export interface StoredMessage {
  readonly seq: number
  /** When the server got it, in milliseconds since 1970. */
  readonly time: number
  /** Whether it is empty: a marker. */
  readonly isMarker: boolean
}

interface Answer {
  readonly error?: { readonly err_code?: number, readonly description?: string }
}

/** An error that JetStream answered. */
export class JetStreamError extends Error {
  readonly code: number

  constructor (subject: string, code: number, description: string) {
    super(`JetStream refused ${subject}: ${description} (${code})`)
    this.code = code
  }
}

/** What is asked of JetStream, besides publishing: https://docs.nats.io/reference/reference-protocols/nats_api_reference */
export class JetStreamApi {
  readonly #jetstream: NatsJetStreamLike
  readonly #carrier: Carrier

  constructor (jetstream: NatsJetStreamLike, carrier: Carrier) {
    this.#jetstream = jetstream
    this.#carrier = carrier
  }

  /** Rejects where the account has no JetStream. */
  async check (): Promise<void> {
    await this.#ask('INFO')
  }

  /** The streams that keep anything of a subject. */
  async namesFor (subject: string): Promise<string[]> {
    const { streams } = await this.#ask<{ streams?: string[] | null }>('STREAM.NAMES', { subject })
    return streams ?? []
  }

  create (name: string, config: object): Promise<StreamInfo> {
    return this.#ask(`STREAM.CREATE.${name}`, { ...config, name })
  }

  async delete (stream: string): Promise<void> {
    await this.#ask(`STREAM.DELETE.${stream}`)
  }

  info (stream: string): Promise<StreamInfo> {
    return this.#ask(`STREAM.INFO.${stream}`)
  }

  /** The newest message of a subject. The leader of the stream answers, not one who may be behind. */
  async last (stream: string, subject: string): Promise<StoredMessage | null> {
    try {
      const { message } = await this.#ask<{ message: { seq: number, time: string, data?: string } }>(`STREAM.MSG.GET.${stream}`, { last_by_subj: subject })
      return { seq: message.seq, time: Date.parse(message.time), isMarker: (message.data ?? '') === '' }
    } catch (error) {
      if (codeOf(error) === codes.noMessage) return null
      throw error
    }
  }

  /** Answers the name of the consumer, and how many messages it is going to bring. */
  async consume (stream: string, config: object): Promise<{ readonly name: string, readonly num_pending: number }> {
    return await this.#ask(`CONSUMER.CREATE.${stream}`, { stream_name: stream, config })
  }

  /** Asks a consumer for messages, which come to the subject. What comes without a place says that there are no more. */
  next (stream: string, consumer: string, most: object, reply: string): void {
    this.#carrier.connection.publish(`${this.#jetstream.apiPrefix}.CONSUMER.MSG.NEXT.${stream}.${consumer}`, Buffer.from(JSON.stringify(most)), { reply })
  }

  async endConsumer (stream: string, name: string): Promise<void> {
    await this.#ask(`CONSUMER.DELETE.${stream}.${name}`)
  }

  /** Settles with its place when the stream keeps it. What has the id of another one of the last two minutes is that one. */
  async append (stream: string, subject: string, payload: Uint8Array, msgID: string, lastSubjectSequence?: number): Promise<number> {
    const { seq } = await this.#carrier.ask(() => this.#jetstream.publish(subject, payload, {
      msgID,
      timeout: this.#carrier.timeout,
      expect: lastSubjectSequence === undefined ? { streamName: stream } : { streamName: stream, lastSubjectSequence }
    }))
    return seq
  }

  async #ask<Result> (name: string, body?: object): Promise<Result> {
    const { connection, timeout } = this.#carrier
    const message = await this.#carrier.ask(() => connection.request(`${this.#jetstream.apiPrefix}.${name}`, body === undefined ? '' : JSON.stringify(body), { timeout }))
    const answer: Result & Answer = JSON.parse(Buffer.from(message.data).toString())
    if (answer.error === undefined) return answer
    throw new JetStreamError(name, answer.error.err_code ?? 0, answer.error.description ?? '')
  }
}

export function codeOf (error: unknown): number | null {
  const code = typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : null
  return typeof code === 'number' ? code : null
}

const absent: readonly unknown[] = [codes.noStream, codes.otherStream]
const nobodyListens: readonly unknown[] = ['JetStreamNotEnabled', 'NoRespondersError']

/** Whether it failed since the stream is not there, so that nothing was kept. */
export function isAbsent (error: unknown): boolean {
  return absent.includes(codeOf(error)) || (error instanceof Error && nobodyListens.includes(error.name))
}

/** Why it can't be had, for whoever tries again. */
export function unavailable (error: unknown): Error {
  if (error instanceof Error && Reflect.get(error, 'code') === 'FST_ERR_WS_ADAPTER_UNAVAILABLE') return error
  return new FST_ERR_WS_ADAPTER_UNAVAILABLE(error instanceof Error ? error.message : String(error))
}
