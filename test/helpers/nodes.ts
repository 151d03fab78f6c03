import type { FastifyBaseLogger } from 'fastify'
import type { Test } from 'tap'
import type { Adapter, AdapterHistory, AdapterState, Envelope, HistoryEvent, HistorySettings, MessageEnvelope } from '../../types/index.ts'
import { buildApp } from './app.ts'

/** Makes a new adapter of one cluster. What it needs, such as a client of a broker, it ends with `t.after`. */
export type NewAdapter = () => Adapter | Promise<Adapter>

/** Makes a cluster of its own for a test: nobody else is in it. */
export type NewCluster = (t: Test) => NewAdapter | Promise<NewAdapter>

/** One process of a cluster, without a server: what its adapter hands over, for one test to wait for. */
export class Node {
  readonly name: string
  readonly adapter: Adapter
  readonly states: AdapterState[] = []
  readonly refused: Error[] = []
  readonly #envelopes = new Arrivals<[channel: string, envelope: Envelope]>()
  readonly #events = new Arrivals<[channel: string, event: HistoryEvent]>()
  readonly #changes = new Arrivals<AdapterState>()
  #seq = 0

  constructor (name: string, adapter: Adapter) {
    this.name = name
    this.adapter = adapter
  }

  async start (log: FastifyBaseLogger): Promise<void> {
    await this.adapter.start({
      node: this.name,
      log,
      onEnvelope: (channel, envelope) => this.#envelopes.push([channel, envelope]),
      onEvent: (channel, event) => this.#events.push([channel, event]),
      onState: state => {
        this.states.push(state)
        this.#changes.push(state)
      },
      onRefused: (_channel, error) => { this.refused.push(error) }
    })
  }

  message (payload: string | Buffer, kind: MessageEnvelope['kind'] = 'text', except: readonly string[] = []): MessageEnvelope {
    return { kind, node: this.name, seq: ++this.#seq, payload, except }
  }

  publish (channel: string, payload: string | Buffer, kind?: MessageEnvelope['kind'], except?: readonly string[]): Promise<void> {
    return this.adapter.publish(channel, this.message(payload, kind, except))
  }

  get history (): AdapterHistory {
    const { history } = this.adapter
    if (history === undefined || history === null) throw new Error('the adapter keeps no history')
    return history
  }

  /** Appends the messages, each the JSON of a number, as one. */
  append (channel: string, numbers: readonly number[], settings: HistorySettings): Promise<void> {
    return this.history.append(channel, numbers.map(number => this.message(`{"n":${number}}`, 'json')), settings)
  }

  /** What has come and nobody has waited for. */
  get waiting (): ReadonlyArray<[channel: string, envelope: Envelope]> {
    return this.#envelopes.all
  }

  next (): Promise<[channel: string, envelope: Envelope]> {
    return this.#envelopes.next()
  }

  event (): Promise<[channel: string, event: HistoryEvent]> {
    return this.#events.next()
  }

  /** Waits for a change to this state, past those before it that nobody has waited for. */
  async change (to: AdapterState): Promise<void> {
    while (await this.#changes.next() !== to) ;
  }

  /** The channel and the payload of the next message. */
  async received (): Promise<[channel: string, payload: string]> {
    const [channel, envelope] = await this.next()
    if (envelope.kind === 'close') throw new Error('expected a message, got a close')
    return [channel, String(envelope.payload)]
  }
}

/** What comes by and by, for one test to wait for. */
class Arrivals<Value> {
  readonly #values: Value[] = []
  #wake: () => void = () => {}

  get all (): readonly Value[] {
    return this.#values
  }

  push (value: Value): void {
    this.#values.push(value)
    this.#wake()
  }

  async next (): Promise<Value> {
    for (;;) {
      const first = this.#values.shift()
      if (first !== undefined) return first
      await new Promise<void>(resolve => { this.#wake = resolve })
    }
  }
}

/** Starts so many nodes of one cluster, which stop when the test ends. */
export async function nodes (t: Test, newCluster: NewCluster, count: number): Promise<Node[]> {
  const [app, newAdapter] = [await buildApp(t), await newCluster(t)]
  const started: Node[] = []
  for (let index = 0; index < count; index++) {
    const node = new Node(`node-${index}`, await newAdapter())
    await node.start(app.log)
    t.after(() => node.adapter.stop())
    started.push(node)
  }
  return started
}
