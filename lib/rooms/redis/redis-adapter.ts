import type { Adapter, AdapterContext, AdapterHistory, Envelope } from '../../../types/adapter.ts'
import type { RedisAdapterOptions } from '../../../types/redis.ts'
import { EnvelopeCodec } from '../envelope.ts'
import { Carrier } from './carrier.ts'
import { keyOf } from './keys.ts'
import { resolveOptions } from './options.ts'
import type { ResolvedOptions } from './options.ts'
import { Publisher } from './publisher.ts'
import { RedisHistory } from './redis-history.ts'
import { errorOf } from './redis-port.ts'

/** Rooms over Redis: channels are those of its pub/sub, histories its streams. */
class RedisAdapter implements Adapter {
  readonly #namespace: string
  readonly #codec: EnvelopeCodec
  readonly #carrier: Carrier
  readonly #publisher: Publisher
  readonly #history: RedisHistory
  #context: AdapterContext | null = null

  constructor ({ port, namespace, secrets, durable, commandTimeout }: ResolvedOptions) {
    this.#namespace = namespace
    this.#codec = new EnvelopeCodec(namespace, secrets)
    this.#carrier = new Carrier(port, commandTimeout, {
      onMessage: (_key, channel, bytes) => this.#onMessage(channel, bytes),
      onState: (state, error) => this.#context?.onState(state, error)
    })
    this.#publisher = new Publisher(this.#carrier)
    this.#history = new RedisHistory({
      carrier: this.#carrier,
      codec: this.#codec,
      durable,
      keyOf: channel => keyOf(namespace, channel),
      onRefused: (channel, error) => this.#context?.onRefused(channel, error)
    })
  }

  get history (): AdapterHistory {
    return this.#history
  }

  async start (context: AdapterContext): Promise<void> {
    this.#context = context
    await this.#carrier.start()
  }

  async publish (channel: string, envelope: Envelope): Promise<void> {
    // Nothing waits for Redis to come back.
    void this.#carrier.session
    await this.#publisher.add(keyOf(this.#namespace, channel), this.#codec.encode(channel, envelope))
  }

  async subscribe (channel: string): Promise<void> {
    await this.#carrier.subscribe(keyOf(this.#namespace, channel), channel)
  }

  async unsubscribe (channel: string): Promise<void> {
    await this.#carrier.unsubscribe(keyOf(this.#namespace, channel))
  }

  async stop (): Promise<void> {
    await this.#publisher.flush()
    await this.#carrier.stop()
    this.#context = null
  }

  #onMessage (channel: string, bytes: Buffer): void {
    const context = this.#context
    if (context === null) return
    try {
      if (this.#history.isEvents(bytes)) {
        for (const event of this.#history.decodeEvents(channel, bytes)) context.onEvent(channel, event)
      } else {
        for (const envelope of this.#codec.decode(channel, bytes)) {
          if (envelope.node !== context.node) context.onEnvelope(channel, envelope)
        }
      }
    } catch (error) {
      context.onRefused(channel, errorOf(error))
    }
  }
}

/**
 * Carries rooms between processes over Redis, from 6.2 on; over sharded pub/sub where it is a cluster, from 7 on.
 *
 * ```ts
 * import { Redis } from 'ioredis'
 * import { redisAdapter } from 'fastify-typed-ws/redis'
 *
 * await app.register(typedWs, { adapter: redisAdapter({ client: new Redis({ lazyConnect: true }) }) })
 * ```
 *
 * The client only tells where Redis is: it is neither used nor ended.
 *
 * @throws FST_ERR_WS_OPTION
 */
export function redisAdapter (options: RedisAdapterOptions): Adapter {
  return new RedisAdapter(resolveOptions(options))
}
