import type { FastifyBaseLogger } from 'fastify'
import type { AdapterState } from '../../types/adapter.ts'
import type { Member, MembersOptions } from '../../types/rooms.ts'
import type { ServerConnection } from '../connection/connection.ts'
import type { ResolvedNodes } from '../options.ts'
import type { ResolvedPresence } from '../room-options.ts'

/** What the cluster needs of the registry. */
export interface ClusterPort {
  /** The id of this process. */
  readonly node: string
  readonly log: FastifyBaseLogger
  /** Whether nothing ever leaves this process: there are no others to be told or asked. */
  readonly isAlone: boolean
  /** Those of this process. */
  membersOf (room: string): ReadonlySet<ServerConnection>
  /** What a room's `presence` says of it; null where it is not declared with presence. */
  presenceOf (room: string): ResolvedPresence | null
  /** Connections of this process with this key. */
  connectionsOf (key: string): Iterable<ServerConnection>
  /** Says something to the other processes that have subscribed to the channel. Rejects when the adapter does not take it. */
  tell (channel: string, body: object): Promise<void>
  /** Sends a message of this package's own to the members of this process. */
  tellMembers (room: string, message: object): void
  subscribe (channel: string): Promise<void>
  unsubscribe (channel: string): Promise<void>
}

/** The processes that share rooms: which of them are alive, who is in their rooms, and what is asked of all of them. */
export class Cluster {
  readonly #port: ClusterPort

  constructor (port: ClusterPort, _options: ResolvedNodes) {
    this.#port = port
  }

  /** The ids of the processes that are alive, this one first. */
  get nodes (): readonly string[] {
    return [this.#port.node]
  }

  async start (): Promise<void> {}

  async stop (): Promise<void> {}

  /** Another process said something. `payload` is JSON text, and no more than that is known of it. */
  onControl (_channel: string, _node: string, _payload: string): void {}

  onState (_state: AdapterState): void {}

  /** A connection of this process is in a room now; called again when it joins a room that it is in. */
  onJoined (_connection: ServerConnection, _room: string): void {}

  /** A connection of this process has left. */
  onLeft (_connection: ServerConnection, _room: string): void {}

  async count (room: string): Promise<number> {
    return this.#port.membersOf(room).size
  }

  async members (_room: string, _options: MembersOptions): Promise<Member[]> {
    return []
  }

  async join (_room: string, _key: string): Promise<number> {
    return 0
  }

  async leave (_room: string, _key: string): Promise<number> {
    return 0
  }
}
