import type { Adapter, AdapterContext, AdapterHistory, Envelope } from '../../../types/adapter.ts'
import type { NatsAdapterOptions, NatsMessage } from '../../../types/nats.ts'
import { FST_ERR_WS_ADAPTER } from '../../errors.ts'
import { EnvelopeCodec } from '../envelope.ts'
import { Carrier } from './carrier.ts'
import { Events } from './events.ts'
import { NatsHistory } from './history.ts'
import { JetStreamApi } from './jetstream-api.ts'
import { resolveNatsOptions } from './options.ts'
import type { ResolvedNatsOptions } from './options.ts'
import { Outgoing } from './outgoing.ts'
import { Streams } from './streams.ts'
import { anySubject, isEventSubject, liveSubject } from './subjects.ts'
import { Subscriptions } from './subscriptions.ts'

/** What there is with JetStream. */
interface Histories {
  readonly api: JetStreamApi
  readonly events: Events
  readonly history: AdapterHistory
}

class NatsAdapter implements Adapter {
  readonly history: AdapterHistory | null
  readonly #histories: Histories | null
  readonly #namespace: string
  readonly #codec: EnvelopeCodec
  readonly #carrier: Carrier
  readonly #outgoing: Outgoing
  readonly #subscriptions: Subscriptions
  #context: AdapterContext | null = null

  constructor (options: NatsAdapterOptions) {
    const resolved = resolveNatsOptions(options)
    const { connection, namespace, secrets, commandTimeout } = resolved
    this.#namespace = namespace
    this.#codec = new EnvelopeCodec(namespace, secrets)
    this.#carrier = new Carrier(connection, commandTimeout)
    this.#outgoing = new Outgoing(this.#carrier)
    this.#histories = this.#historiesOf(resolved)
    const subjectOf = this.#histories === null ? liveSubject : anySubject
    this.#subscriptions = new Subscriptions(this.#carrier, channel => subjectOf(namespace, channel), {
      onMessage: (channel, message) => this.#onMessage(channel, message),
      onLost: (channel, error) => this.#onRefused(channel, error)
    })
    this.history = this.#histories === null ? null : this.#histories.history
  }

  #historiesOf (options: ResolvedNatsOptions): Histories | null {
    const { jetstream, namespace } = options
    if (jetstream === null) return null
    const onRefused = (channel: string, error: unknown): void => this.#onRefused(channel, error)
    const api = new JetStreamApi(jetstream, this.#carrier)
    const streams = new Streams(api, options)
    const events = new Events(this.#codec, streams, (channel, event) => this.#context?.onEvent(channel, event), onRefused)
    return { api, events, history: new NatsHistory(api, this.#carrier, this.#codec, streams, namespace, onRefused) }
  }

  async start (context: AdapterContext): Promise<void> {
    await this.#carrier.start(context.onState)
    try {
      await this.#histories?.api.check()
    } catch (error) {
      this.#carrier.stop()
      throw new FST_ERR_WS_ADAPTER(`JetStream: ${error instanceof Error ? error.message : error}`)
    }
    this.#context = context
  }

  publish (channel: string, envelope: Envelope): Promise<void> {
    return this.#outgoing.publish(liveSubject(this.#namespace, channel), this.#codec.encode(channel, envelope))
  }

  subscribe (channel: string): Promise<void> {
    return this.#subscriptions.add(channel)
  }

  async unsubscribe (channel: string): Promise<void> {
    this.#subscriptions.delete(channel)
    this.#histories?.events.drop(channel)
  }

  async stop (): Promise<void> {
    this.#context = null
    this.#subscriptions.clear()
    this.#histories?.events.clear()
    this.#carrier.stop()
  }

  #onMessage (channel: string, message: NatsMessage): void {
    if (this.#histories !== null && isEventSubject(message.subject)) this.#histories.events.onMessage(channel, message)
    else this.#onEnvelopes(channel, message)
  }

  #onEnvelopes (channel: string, { data }: NatsMessage): void {
    const context = this.#context
    if (context === null) return
    let envelopes: Envelope[]
    try {
      envelopes = this.#codec.decode(channel, bytesOf(data))
    } catch (error) {
      return this.#onRefused(channel, error)
    }
    for (const envelope of envelopes) {
      // The server brings back what came from here.
      if (envelope.node !== context.node) context.onEnvelope(channel, envelope)
    }
  }

  #onRefused (channel: string, error: unknown): void {
    this.#context?.onRefused(channel, error instanceof Error ? error : new Error(String(error)))
  }
}

function bytesOf ({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length)
}

/**
 * Rooms over NATS, with histories in JetStream.
 *
 * ```ts
 * const connection = await connect({ servers, maxReconnectAttempts: -1 })
 * await app.register(typedWs, { adapter: natsAdapter({ connection, jetstream: jetstream(connection) }) })
 * app.addHook('onClose', () => connection.close())
 * ```
 *
 * @throws FST_ERR_WS_OPTION
 */
export function natsAdapter (options: NatsAdapterOptions): Adapter {
  return new NatsAdapter(options)
}
