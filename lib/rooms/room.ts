import type { Connection } from '../../types/connection.ts'
import type { Member, MembersOptions, Room, RoomSender, SendOptions } from '../../types/rooms.ts'
import type { ServerConnection } from '../connection/connection.ts'
import { SendContract } from '../messages/send-contract.ts'
import type { Registry } from './registry.ts'

const toAll: SendOptions = {}

/** A room as the application holds it: a name, and the registry that knows the rest. */
export class NamedRoom implements Room {
  readonly name: string
  readonly #registry: Registry

  constructor (name: string, registry: Registry) {
    this.name = name
    this.#registry = registry
  }

  get size (): number {
    return this.#registry.membersOf(this.name).size
  }

  has (connection: Connection): boolean {
    return this.#registry.membersOf(this.name).has(connection as ServerConnection)
  }

  [Symbol.iterator] (): Iterator<Connection> {
    // A copy: a loop whose body joins rooms, or leaves and joins again, must end.
    return [...this.#registry.membersOf(this.name)][Symbol.iterator]()
  }

  send (message: unknown, options: SendOptions = toAll): Promise<void> {
    return this.#registry.send(this.name, message, SendContract.undeclared, options)
  }

  count (): Promise<number> {
    return this.#registry.cluster.count(this.name)
  }

  members<Data> (options: MembersOptions = {}): Promise<Array<Member<Data>>> {
    return this.#registry.cluster.members(this.name, options) as Promise<Array<Member<Data>>>
  }

  join (key: string): Promise<number> {
    return this.#registry.cluster.join(this.name, key)
  }

  leave (key: string): Promise<number> {
    return this.#registry.cluster.leave(this.name, key)
  }

  close (code?: number, reason?: string): Promise<void> {
    return this.#registry.close(this.name, code, reason)
  }
}

/** Everybody in a room but one connection. */
export class RoomExcept implements RoomSender {
  readonly #name: string
  readonly #self: ServerConnection
  readonly #registry: Registry

  constructor (name: string, self: ServerConnection, registry: Registry) {
    this.#name = name
    this.#self = self
    this.#registry = registry
  }

  send (message: unknown, { except }: SendOptions = toAll): Promise<void> {
    const others = except === undefined ? [] : Array.isArray(except) ? except : [except as Connection]
    return this.#registry.send(this.#name, message, this.#self.sends, { except: [this.#self, ...others] })
  }
}
