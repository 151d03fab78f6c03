import type { FastifyBaseLogger } from 'fastify'
import { memoryAdapter, MemoryHub } from '../../lib/index.ts'
import type { ServerConnection } from '../../lib/connection/connection.ts'
import { Cluster } from '../../lib/rooms/cluster/cluster.ts'
import { Members } from '../../lib/rooms/members.ts'
import { resolvePresence } from '../../lib/room-options.ts'
import type { ResolvedPresence } from '../../lib/room-options.ts'
import type { RoomDeclaration } from '../../types/index.ts'
import type { Notice } from './clusters.ts'

/** A process of a cluster without a server: its connections are no more than an id, so that there may be many. */
export class BareNode {
  readonly id: string
  readonly cluster: Cluster
  /** What the members of this process were told, each once for all of them. */
  readonly notices: Notice[] = []
  /** What was published, in bytes. */
  readonly published: number[] = []
  readonly #members = new Members()
  readonly #presence: ResolvedPresence
  readonly #adapter
  readonly #log: FastifyBaseLogger
  #next = 0

  constructor (id: string, hub: MemoryHub, log: FastifyBaseLogger, presence: RoomDeclaration['presence']) {
    this.id = id
    this.#log = log
    this.#presence = resolvePresence(presence) ?? { data: null, notify: null }
    const adapter = this.#adapter = memoryAdapter(hub)
    let seq = 0
    this.cluster = new Cluster({
      node: id,
      log,
      isAlone: false,
      membersOf: room => this.#members.of(room),
      connectionsOf: () => [],
      tell: (channel, body) => {
        const payload = JSON.stringify(body)
        this.published.push(Buffer.byteLength(payload))
        return adapter.publish(channel, { kind: 'control', node: id, seq: ++seq, payload })
      },
      tellMembers: (_room, message) => this.notices.push(message as Notice),
      subscribe: channel => adapter.subscribe(channel),
      unsubscribe: channel => adapter.unsubscribe(channel)
    }, { interval: 1_000, timeout: 60_000, answerTimeout: 10_000 })
  }

  async start (): Promise<void> {
    await this.#adapter.start({
      node: this.id,
      log: this.#log,
      onEnvelope: (channel, envelope) => {
        if (envelope.kind === 'control') this.cluster.onControl(channel, envelope.node, envelope.payload)
      },
      onEvent: () => {},
      onState: () => {},
      onRefused: () => {}
    })
    await this.cluster.start()
  }

  async stop (): Promise<void> {
    await this.cluster.stop()
    await this.#adapter.stop()
  }

  connection (): ServerConnection {
    return { id: `${this.id}-${(this.#next++).toString(36)}`, key: 'somebody' } as ServerConnection
  }

  join (connection: ServerConnection, room: string): void {
    this.#members.add(room, connection)
    this.cluster.onJoined(connection, room, this.#presence)
  }

  leave (connection: ServerConnection, room: string): void {
    this.#members.delete(room, connection)
    this.cluster.onLeft(connection, room)
  }
}
