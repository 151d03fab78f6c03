import type { FastifyInstance } from 'fastify'
import type { Adapter, AdapterContext, AdapterHistory, AdapterState, Envelope, HistoryEvent, MessageEnvelope } from '../../types/adapter.ts'
import type { WsAdapterEvent } from '../../types/channels.ts'
import { channels } from '../channels.ts'
import type { Counters } from '../connection/counters.ts'
import { CalmLog } from './calm-log.ts'
import { roomOf } from './channels.ts'

/** What is said to other processes, before it is known who says it. */
export type Unsent<Kind extends Envelope = Envelope> = Kind extends Envelope ? Omit<Kind, 'node' | 'seq'> : never

/** Who is told of what the adapter brings. */
export interface AdapterListener {
  onEnvelope (channel: string, envelope: Envelope): void
  onEvent (channel: string, event: HistoryEvent): void
  onState (state: AdapterState): void
}

/** This process's end of the adapter: says who publishes, counts, and knows whether the others are reached. */
export class AdapterLink {
  /** The id of this process, unique in the cluster. */
  readonly node: string
  readonly #adapter: Adapter
  readonly #instance: FastifyInstance
  readonly #counters: Counters['adapter']
  readonly #listener: AdapterListener
  readonly #log: CalmLog
  #seq = 0
  #state: AdapterState = 'ready'
  #since = new Date()
  #error: Error | null = null
  #isStopped = false

  constructor (node: string, adapter: Adapter, instance: FastifyInstance, counters: Counters['adapter'], listener: AdapterListener) {
    this.node = node
    this.#adapter = adapter
    this.#instance = instance
    this.#counters = counters
    this.#listener = listener
    this.#log = new CalmLog(instance.log)
  }

  get state (): AdapterState {
    return this.#state
  }

  /** Since when it is in this state. */
  get since (): Date {
    return this.#since
  }

  get error (): Error | null {
    return this.#error
  }

  get history (): AdapterHistory | null {
    return this.#adapter.history ?? null
  }

  async start (): Promise<void> {
    const context: AdapterContext = {
      node: this.node,
      log: this.#instance.log,
      onEnvelope: (channel, envelope) => {
        this.#counters.received++
        this.#listener.onEnvelope(channel, envelope)
      },
      onEvent: (channel, event) => {
        this.#counters.received++
        this.#listener.onEvent(channel, event)
      },
      onState: (state, error) => this.#onState(state, error),
      onRefused: (channel, error) => this.#onRefused(channel, error)
    }
    await this.#adapter.start(context)
    this.#since = new Date()
  }

  async stop (): Promise<void> {
    this.#isStopped = true
    await this.#adapter.stop()
  }

  subscribe (channel: string): Promise<void> {
    return this.#adapter.subscribe(channel)
  }

  unsubscribe (channel: string): Promise<void> {
    return this.#adapter.unsubscribe(channel)
  }

  /** Gives a message what tells it from all others. */
  sign (unsent: Unsent): Envelope {
    return { ...unsent, node: this.node, seq: ++this.#seq }
  }

  /** The same of a message. Field by field: copying objects took longer than all else that a send does. */
  signMessage ({ kind, payload }: Pick<MessageEnvelope, 'kind' | 'payload'>, except: readonly string[]): MessageEnvelope {
    return { kind, node: this.node, seq: ++this.#seq, payload, except }
  }

  publishMessage (channel: string, content: Pick<MessageEnvelope, 'kind' | 'payload'>, except: readonly string[]): Promise<void> {
    return this.#publish(channel, this.signMessage(content, except))
  }

  /** Nobody needs to listen to how it went: that is counted, and logged where it is a wonder. */
  publish (channel: string, unsent: Unsent): Promise<void> {
    return this.#publish(channel, this.sign(unsent))
  }

  #publish (channel: string, envelope: Envelope): Promise<void> {
    const published = this.#hand(channel, envelope)
    published.catch(ignore)
    return published
  }

  /** An adapter that throws has failed as one that rejects. */
  async #hand (channel: string, envelope: Envelope): Promise<void> {
    try {
      await this.#adapter.publish(channel, envelope)
      this.#counters.published++
    } catch (error) {
      this.#counters.failed++
      if (this.#state === 'ready') this.#log.warn({ err: error, room: roomOf(channel) }, 'room message was not published')
      throw error
    }
  }

  #onState (state: AdapterState, error: Error | null): void {
    // A carrier that is left is no loss.
    if (state === this.#state || this.#isStopped) return
    const since = new Date()
    const lasted = since.getTime() - this.#since.getTime()
    this.#state = state
    this.#since = since
    this.#error = error
    if (state === 'unavailable') {
      this.#counters.lost++
      this.#instance.log.warn({ err: error }, 'adapter is unavailable: rooms reach this process only')
    } else {
      this.#instance.log.info({ unavailable: lasted }, 'adapter is ready again')
    }
    const event: WsAdapterEvent = { instance: this.#instance, state, lasted, error }
    if (channels.adapter.hasSubscribers) channels.adapter.publish(event)
    this.#listener.onState(state)
  }

  /** Whoever may write to the broker could fill the log. */
  #onRefused (channel: string, error: Error): void {
    if (this.#counters.refused++ === 0) this.#instance.log.warn({ err: error, channel }, 'adapter brought what is no envelope of ours; those that follow are only counted')
  }
}

function ignore (): void {}
