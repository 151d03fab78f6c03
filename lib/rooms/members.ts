import type { ServerConnection } from '../connection/connection.ts'

const nobody: ReadonlySet<ServerConnection> = new Set()
const nowhere: ReadonlySet<string> = new Set()

/** Who is in which room: two maps, kept in step here and nowhere else. An empty room, or an empty set of rooms, disappears. */
export class Members {
  readonly #byRoom = new Map<string, Set<ServerConnection>>()
  readonly #byConnection = new Map<ServerConnection, Set<string>>()

  /** Returns whether the room has its first member now. */
  add (room: string, connection: ServerConnection): boolean {
    let members = this.#byRoom.get(room)
    const isFirst = members === undefined
    if (members === undefined) this.#byRoom.set(room, members = new Set())
    members.add(connection)

    let rooms = this.#byConnection.get(connection)
    if (rooms === undefined) this.#byConnection.set(connection, rooms = new Set())
    rooms.add(room)
    return isFirst
  }

  /** Returns whether the room lost its last member now. */
  delete (room: string, connection: ServerConnection): boolean {
    const rooms = this.#byConnection.get(connection)
    if (rooms === undefined || !rooms.delete(room)) return false
    if (rooms.size === 0) this.#byConnection.delete(connection)

    const members = this.#byRoom.get(room)
    members?.delete(connection)
    if (members?.size !== 0) return false
    this.#byRoom.delete(room)
    return true
  }

  of (room: string): ReadonlySet<ServerConnection> {
    return this.#byRoom.get(room) ?? nobody
  }

  /** In how many rooms it is. */
  countOf (connection: ServerConnection): number {
    return this.#byConnection.get(connection)?.size ?? 0
  }

  /** A copy: a loop whose body leaves and joins must end. */
  roomsOf (connection: ServerConnection): ReadonlySet<string> {
    const rooms = this.#byConnection.get(connection)
    return rooms === undefined ? nowhere : new Set(rooms)
  }

  /** Rooms with members. */
  get rooms (): ReadonlyMap<string, ReadonlySet<ServerConnection>> {
    return this.#byRoom
  }
}
