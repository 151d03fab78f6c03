import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { WsRoute } from '../../types/fastify.ts'
import type { WsReadiness, WsStats } from '../../types/stats.ts'
import { channels } from '../channels.ts'
import { Agenda } from '../connection/agenda.ts'
import { Counters } from '../connection/counters.ts'
import { Heartbeats } from '../connection/heartbeat.ts'
import { Holding } from '../connection/holding.ts'
import { MemoryBudget } from '../connection/memory-budget.ts'
import { ServerRates } from '../connection/rates.ts'
import { FST_ERR_WS_SCHEMA } from '../errors.ts'
import { Codecs } from '../messages/codec.ts'
import { SendContract } from '../messages/send-contract.ts'
import type { ResolvedOptions, ResolvedPluginOptions } from '../options.ts'
import { Registry } from '../rooms/registry.ts'
import { CompilerPool } from './compilers.ts'
import type { OwnCompilers } from './compilers.ts'
import { ConnectListener, servesHttp2 } from './connect-listener.ts'
import { Connections } from './connections.ts'
import { HttpSockets } from './http-sockets.ts'
import { Occupancy } from './limits.ts'
import { lingerTimeout } from './opening.ts'
import { Openings } from './openings.ts'
import { compileOrigin } from './origin.ts'
import { otherServersOf } from './other-servers.ts'
import { Sessions } from './sessions.ts'
import { statsOf } from './stats.ts'
import { compileSubprotocols } from './subprotocol.ts'
import { UpgradeListener } from './upgrade-listener.ts'

/** How long `app.close()` waits for the adapter, in milliseconds. */
const adapterDeadline = 5_000

/** What the WebSocket routes of one server share. */
export class WsServer {
  readonly options: ResolvedPluginOptions
  readonly codecs: Codecs
  readonly compilers: CompilerPool
  readonly rooms: Registry
  readonly connections: Connections
  readonly routes: WsRoute[] = []
  /** Of all routes together; null where nothing is limited. */
  readonly occupancy: Occupancy | null
  readonly counters = new Counters()
  readonly heartbeats = new Heartbeats()
  readonly agenda = new Agenda()
  readonly rates = new ServerRates(this.agenda)
  /** Of connections, and of rooms that messages are replayed from. */
  readonly budget: MemoryBudget
  readonly #instance: FastifyInstance
  readonly #openings: Openings
  readonly #sessions: Sessions
  readonly #sockets = new HttpSockets()
  #isStarted = false
  #isClosing = false

  constructor (instance: FastifyInstance, options: ResolvedPluginOptions) {
    const node = randomBytes(6).toString('base64url')
    const { onProtoPoisoning = 'error', onConstructorPoisoning = 'error' } = instance.initialConfig
    this.#instance = instance
    this.options = options
    this.codecs = new Codecs({ protoAction: onProtoPoisoning, constructorAction: onConstructorPoisoning })
    this.compilers = new CompilerPool(options.ajv)
    checkInherited(options.route, this.codecs)
    const { adapter, adapterTimeout, nodes } = options
    this.connections = new Connections(node)
    this.budget = new MemoryBudget(options.processBudget, holder => { if (holder instanceof Holding) this.#onShed(holder) })
    this.rooms = new Registry(instance, {
      node,
      adapter,
      adapterTimeout,
      nodes,
      counters: this.counters,
      budget: this.budget,
      connectionsOf: key => this.connections.filter(connection => connection.key === key)
    })
    this.occupancy = Occupancy.of(options.connectionLimits)
    this.#openings = new Openings(instance, options.handshakeTimeout, this.counters)
    this.#sessions = new Sessions(options.route.closeTimeout)
    this.#sockets.watch(instance.server)
    new UpgradeListener(instance.server, this.#openings).listen(options.handshakeTimeout)
    const connects = servesHttp2(instance.server) ? new ConnectListener(instance.server, this.#openings, this.#sessions) : null
    connects?.listen()
    instance.addHook('onListen', async () => {
      for (const server of otherServersOf(instance)) {
        this.#sockets.watch(server)
        if (servesHttp2(server)) connects?.addServer(server)
      }
    })
  }

  /** No upgrade is accepted any more. */
  get isClosing (): boolean {
    return this.#isClosing
  }

  get stats (): WsStats {
    return statsOf(this.counters, this.connections, this.rooms, this.budget, this.#openings.pending)
  }

  get readiness (): WsReadiness {
    const reason = this.#readinessReason
    return { ready: reason === 'ok', reason }
  }

  get #readinessReason (): WsReadiness['reason'] {
    if (this.#isClosing) return 'closing'
    if (!this.#isStarted) return 'starting'
    if (this.occupancy !== null && this.occupancy.isFull) return 'full'
    return this.budget.isNearlySpent ? 'memory' : 'ok'
  }

  #onShed ({ connection, held }: Holding): void {
    const { url: route } = connection
    this.counters.shed++
    connection.log.warn({ held, limit: this.budget.limit }, 'WebSocket closed: budget.process is spent')
    if (channels.shed.hasSubscribers) channels.shed.publish({ connection, instance: this.#instance, route, held, total: this.budget.held, limit: this.budget.limit })
  }

  async start (own: OwnCompilers): Promise<void> {
    const compilers = this.compilers.of(this.#instance, own)
    await this.rooms.start((pattern, schema) => {
      try {
        return SendContract.compile(schema, part => compilers.serializer(part, pattern), compilers.shared)
      } catch (error) {
        throw new FST_ERR_WS_SCHEMA('send', `rooms ${pattern}`, messageOf(error))
      }
    })
    this.#isStarted = true
  }

  async stop (): Promise<void> {
    const { drain } = this.options
    this.#isClosing = true
    this.#openings.refuseNew()
    // It is for those who send clients here: nobody knows a server that does not listen.
    if (drain.delay > 0 && this.#instance.server.listening) await delay(drain.delay)
    const deadline = performance.now() + drain.timeout
    await this.connections.drain(drain)
    // Before the rest is waited for: clients have a moment of their own to take the refusal.
    this.#openings.refusePending()
    await this.connections.drop()
    // Clients that have used up the drain have not as much again.
    const timeout = Math.min(this.options.route.closeTimeout, Math.max(deadline - performance.now(), lingerTimeout))
    this.#sessions.close(timeout)
    this.#sockets.close(this.#instance.server, timeout)
    await this.#stopRooms()
  }

  /** An adapter that hangs or fails must not keep the server from ending. */
  async #stopRooms (): Promise<void> {
    const late = new AbortController()
    try {
      await Promise.race([this.rooms.stop(), rejectAfter(adapterDeadline, late.signal)])
    } catch (error) {
      this.#instance.log.error({ err: error }, 'adapter did not stop')
    } finally {
      late.abort()
    }
  }
}

async function rejectAfter (milliseconds: number, signal: AbortSignal): Promise<void> {
  await delay(milliseconds, undefined, { signal })
  throw new Error(`not done within ${milliseconds} ms`)
}

/** Refuses what routes would, before there is one. */
function checkInherited (options: ResolvedOptions, codecs: Codecs): void {
  compileOrigin(options.origin)
  compileSubprotocols(options.subprotocols, codecs.select(options.codec))
}

export function messageOf (error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
