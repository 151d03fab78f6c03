import type { JoinOptions, JoinResult, RoomSender } from '../../types/rooms.ts'
import type { ServerConnection } from './connection.ts'

/** A connection's way to its rooms. It is given one, since it knows of none. */
export interface Membership {
  join (connection: ServerConnection, room: string, options: JoinOptions): Promise<JoinResult>
  leave (connection: ServerConnection, room: string): Promise<void>
  /** Leaves every room; returns their names. */
  leaveAll (connection: ServerConnection): readonly string[]
  /** In how many rooms it is. */
  countOf (connection: ServerConnection): number
  isIn (connection: ServerConnection, room: string): boolean
  roomsOf (connection: ServerConnection): ReadonlySet<string>
  /** Everybody in the room but the connection; what is sent is serialized as by the connection's route, unless the room declares it. */
  to (connection: ServerConnection, room: string): RoomSender
}
