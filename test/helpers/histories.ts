import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import { memoryAdapter, MemoryHub } from '../../lib/index.ts'
import type { Adapter, AdapterContext, AdapterHistory, RoomDeclaration, WsPluginOptions } from '../../types/index.ts'
import { buildApp, logLines } from './app.ts'
import { pairedRoute } from './pairs.ts'
import type { Pair, PairedRouteOptions } from './pairs.ts'

/** A memory adapter that counts reads, and whose carrier a test may take away. */
export class BreakableAdapter implements Adapter {
  readonly history: AdapterHistory
  readonly #inner: Adapter
  #context: AdapterContext | null = null
  reads = 0
  isBroken = false
  /** Whether an event is lost on its way here. */
  loses: () => boolean = () => false
  /** Whether the answer to an append, which was done, is lost. */
  forgets: () => boolean = () => false

  constructor (hub?: MemoryHub) {
    this.#inner = memoryAdapter(hub)
    const inner = this.#inner.history
    if (inner === undefined || inner === null) throw new Error('no history')
    this.history = {
      append: async (channel, envelopes, settings) => {
        this.#check()
        await inner.append(channel, envelopes, settings)
        if (this.forgets()) throw new Error('no answer')
      },
      read: async (channel, after, settings) => {
        this.reads++
        this.#check()
        return inner.read(channel, after, settings)
      }
    }
  }

  #check (): void {
    if (this.isBroken) throw new Error('the carrier is away')
  }

  break (): void {
    this.isBroken = true
    this.#context?.onState('unavailable', new Error('the carrier is away'))
  }

  mend (): void {
    this.isBroken = false
    this.#context?.onState('ready', null)
  }

  async start (context: AdapterContext): Promise<void> {
    this.#context = context
    await this.#inner.start({
      ...context,
      onEnvelope: (channel, envelope) => { if (!this.isBroken) context.onEnvelope(channel, envelope) },
      onEvent: (channel, event) => { if (!this.isBroken && !this.loses()) context.onEvent(channel, event) }
    })
  }

  async publish (channel: string, envelope: Parameters<Adapter['publish']>[1]): Promise<void> {
    this.#check()
    await this.#inner.publish(channel, envelope)
  }

  subscribe (channel: string): Promise<void> {
    return this.#inner.subscribe(channel)
  }

  unsubscribe (channel: string): Promise<void> {
    return this.#inner.unsubscribe(channel)
  }

  stop (): Promise<void> {
    return this.#inner.stop()
  }
}

/** A server of a cluster in which rooms named `chat:…` have history. */
export interface HistoryServer {
  readonly app: FastifyInstance
  readonly adapter: BreakableAdapter
  readonly lines: Array<Record<string, unknown>>
  open (): Promise<Pair>
}

export interface HistoryServerOptions {
  plugin?: WsPluginOptions
  route?: PairedRouteOptions
  declaration?: RoomDeclaration
}

export async function historyServer (t: Test, hub?: MemoryHub, { plugin, route, declaration }: HistoryServerOptions = {}): Promise<HistoryServer> {
  const adapter = new BreakableAdapter(hub)
  const { lines, stream } = logLines()
  const app = await buildApp(t, { adapter, ...plugin }, { logger: { stream } })
  app.rooms.declare('chat:*', { history: true, ...declaration })
  const open = pairedRoute(app, '/', route)
  return { app, adapter, lines, open: () => open() }
}
