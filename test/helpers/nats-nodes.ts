import { EventEmitter, once } from 'node:events'
import { jetstream } from '@nats-io/jetstream'
import type { NatsConnection, NodeConnectionOptions } from '@nats-io/transport-node'
import type { Test } from 'tap'
import { natsAdapter } from '../../lib/rooms/nats/index.ts'
import type { NatsAdapterOptions } from '../../lib/rooms/nats/index.ts'
import type { AdapterState, HistoryPage } from '../../types/index.ts'
import { buildApp } from './app.ts'
import type { NatsServer } from './nats-server.ts'
import { Node } from './nodes.ts'

/** A node on NATS whose states and refusals a test can wait for. */
export class NatsNode extends Node {
  readonly connection: NatsConnection
  readonly #emitter: EventEmitter

  constructor (name: string, connection: NatsConnection, options: NatsNodeOptions) {
    const emitter = new EventEmitter()
    const { hasHistory = false, ...rest } = options
    const adapter = natsAdapter({ connection, ...hasHistory && { jetstream: jetstream(connection) }, ...rest })
    super(name, {
      history: adapter.history,
      start: context => adapter.start({
        ...context,
        onState: (state, error) => {
          context.onState(state, error)
          emitter.emit(state, error)
        },
        onRefused: (channel, error) => {
          context.onRefused(channel, error)
          emitter.emit('refused', error)
        }
      }),
      publish: (channel, envelope) => adapter.publish(channel, envelope),
      subscribe: channel => adapter.subscribe(channel),
      unsubscribe: channel => adapter.unsubscribe(channel),
      stop: () => adapter.stop()
    })
    this.connection = connection
    this.#emitter = emitter
  }

  /** Settles when it comes to be in the state. */
  async becomes (state: AdapterState): Promise<Error | null> {
    if (this.states.at(-1) === state) return null
    const [error] = await once(this.#emitter, state)
    return error
  }

  /** The next thing that is refused. */
  async refusal (): Promise<Error> {
    const [error] = await once(this.#emitter, 'refused')
    return error
  }
}

export interface NatsNodeOptions extends Partial<NatsAdapterOptions> {
  readonly hasHistory?: boolean
}

/** Starts a node on a connection of its own, or one that is given; it stops when the test ends. */
export async function natsNode (t: Test, server: NatsServer, name: string, options: NatsNodeOptions = {}, credentials: NodeConnectionOptions = {}): Promise<NatsNode> {
  const [app, connection] = [await buildApp(t), await server.connect(t, credentials)]
  const node = new NatsNode(name, connection, options)
  await node.start(app.log)
  t.after(() => node.adapter.stop())
  return node
}

export function numbersOf (page: HistoryPage): number[] {
  return page.events.map(({ envelope }) => JSON.parse(String(envelope.payload)).n)
}
