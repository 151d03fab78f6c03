import type { ServerConnection } from '../connection/connection.ts'
import type { Broadcast } from '../messages/broadcast.ts'
import type { CalmLog } from './calm-log.ts'
import type { Declaration, Declarations } from './declarations.ts'
import type { Members } from './members.ts'

/** Brings messages to the members of this process. */
export class Delivery {
  readonly #members: Members
  readonly #declarations: Declarations
  readonly #log: CalmLog

  constructor (members: Members, declarations: Declarations, log: CalmLog) {
    this.#members = members
    this.#declarations = declarations
    this.#log = log
  }

  /** To one of them. */
  toMember (room: string, broadcast: Broadcast, member: ServerConnection): void {
    try {
      member.deliver(broadcast, room, this.#declarations.for(room)?.slowConsumer ?? null)
    } catch (error) {
      this.#logEncoding(error, room)
    }
  }

  /** To all of them, where nobody is there to be told that a codec failed. */
  toAll (room: string, broadcast: Broadcast, except: readonly string[], isBehind: ((connection: ServerConnection) => boolean) | null): void {
    const failure = this.deliver(room, this.#declarations.for(room), broadcast, except, isBehind)
    if (failure !== null) this.#logEncoding(failure, room)
  }

  /** A codec that can't encode the message costs its own members the message, and nobody else: its error is answered, null for none. */
  deliver (
    room: string, declaration: Declaration | null, broadcast: Broadcast, except: readonly string[], isBehind: ((connection: ServerConnection) => boolean) | null
  ): unknown {
    let failure: unknown = null
    const slowConsumer = declaration === null ? null : declaration.slowConsumer
    const members = this.#members.of(room)
    let left = members.size
    for (const member of members) {
      // Whoever leaves and joins meanwhile stands at the end again, and has had the message.
      if (left-- === 0) break
      if (except.length > 0 && except.includes(member.id)) continue
      if (isBehind !== null && isBehind(member)) continue
      try {
        member.deliver(broadcast, room, slowConsumer)
      } catch (error) {
        failure = error
      }
    }
    return failure
  }

  #logEncoding (error: unknown, room: string): void {
    this.#log.error({ err: error, room }, 'room message could not be encoded')
  }
}
