import type { Adapter, AdapterContext, AdapterHistory, Envelope } from '../../../types/adapter.ts'
import type { NatsAdapterOptions, NatsMessage } from '../../../types/nats.ts'
import { EnvelopeCodec } from '../envelope.ts'
import { Carrier } from './carrier.ts'
import { resolveNatsOptions } from './options.ts'
import { Outgoing } from './outgoing.ts'
import { liveSubject } from './subjects.ts'
import { Subscriptions } from './subscriptions.ts'

class NatsAdapter implements Adapter {
  readonly history: AdapterHistory | null
  readonly #namespace: string
  readonly #codec: EnvelopeCodec
  readonly #carrier: Carrier
  readonly #outgoing: Outgoing
  readonly #subscriptions: Subscriptions
  #context: AdapterContext | null = null

  constructor (options: NatsAdapterOptions) {
    const { connection, namespace, secrets, commandTimeout } = resolveNatsOptions(options)
    this.#namespace = namespace
    this.#codec = new EnvelopeCodec(namespace, secrets)
    this.#carrier = new Carrier(connection, commandTimeout)
    this.#outgoing = new Outgoing(this.#carrier)
    this.#subscriptions = new Subscriptions(this.#carrier, channel => liveSubject(namespace, channel), (channel, message) => this.#onMessage(channel, message))
    this.history = null
  }

  async start (context: AdapterContext): Promise<void> {
    await this.#carrier.start(context.onState)
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
  }

  async stop (): Promise<void> {
    this.#context = null
    this.#subscriptions.clear()
    this.#carrier.stop()
  }

  #onMessage (channel: string, { data }: NatsMessage): void {
    const context = this.#context
    if (context === null) return
    let envelopes: Envelope[]
    try {
      envelopes = this.#codec.decode(channel, bytesOf(data))
    } catch (error) {
      context.onRefused(channel, error instanceof Error ? error : new Error(String(error)))
      return
    }
    for (const envelope of envelopes) {
      // The server brings back what came from here.
      if (envelope.node !== context.node) context.onEnvelope(channel, envelope)
    }
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
 * ```
 *
 * @throws FST_ERR_WS_OPTION
 */
export function natsAdapter (options: NatsAdapterOptions): Adapter {
  return new NatsAdapter(options)
}
