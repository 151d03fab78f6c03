import type { FastifyBaseLogger } from 'fastify'
import type { AdapterState } from '../../../types/adapter.ts'
import type { Member } from '../../../types/rooms.ts'
import type { ServerConnection } from '../../connection/connection.ts'
import { outside } from '../../outside.ts'
import type { ResolvedPresence } from '../../room-options.ts'
import type { Changes, ControlMessage, Digest, Digests, Known, Roll, Sync } from './control-messages.ts'
import { byId, entryOf, pagesOf } from './entry.ts'
import type { Entry, MembersRange } from './entry.ts'
import type { PresenceNotice } from '../../../types/notices.ts'
import { RoomPresence } from './room-presence.ts'

/** What presence needs of the cluster. */
export interface PresencePort {
  readonly node: string
  readonly log: FastifyBaseLogger
  readonly isAlone: boolean
  /** The other processes that are alive. */
  readonly others: ReadonlySet<string>
  membersOf (room: string): ReadonlySet<ServerConnection>
  /** Settles when what the others say of the room is heard. */
  listenTo (room: string): Promise<void>
  tellMembers (room: string, notice: PresenceNotice): void
  /** To those who listen to a room. */
  tellRoom (room: string, message: Changes): void
  /** To all others, or to one. */
  tell (message: ControlMessage, to: string | null): void
}

/** How long changes are gathered before they are told, in milliseconds: a storm of joins is a few envelopes. */
const gatherTime = 20

/** Digests come every so many intervals of the nodes' words, more or less a fifth: not from all at once. */
const digestIntervals = 5
const jitter = 0.2

/** After so many times without a digest, somebody is asked whether its members are still there. */
const missedDigests = 2

/** The most rooms of one envelope. */
const pageOfRooms = 500

/** Who is in the rooms that are declared with presence, in the whole cluster, as far as they have members here. */
export class Presence {
  readonly #port: PresencePort
  readonly #interval: number
  readonly #rooms = new Map<string, RoomPresence>()
  /** Rooms of which the others have not been told all. */
  readonly #dirty = new Set<RoomPresence>()
  /** What is to be asked, and whom: null for all. */
  readonly #wanted = new Map<string | null, Set<RoomPresence>>()
  #version = 0
  #timer: NodeJS.Timeout | null = null
  #digestsDue = 0
  #isCutOff = false

  /** @param interval how often nodes say that they are alive, in milliseconds */
  constructor (port: PresencePort, interval: number) {
    this.#port = port
    this.#interval = interval
  }

  /** How many rooms are kept. */
  get size (): number {
    return this.#rooms.size
  }

  /** How many are in the room; null where that has to be asked. */
  count (name: string): number | null {
    return this.#current(name)?.size ?? null
  }

  /** Who is in the room; null where that has to be asked. */
  members (name: string, range: MembersRange): Member[] | null {
    return this.#current(name)?.members(range) ?? null
  }

  /** Those of this process, in the order of their ids. */
  entriesOf (name: string): Entry[] {
    const room = this.#rooms.get(name)
    if (room !== undefined && room.isOpen) return [...room.own.entries.values()].sort(byId)
    return [...this.#port.membersOf(name)].map(connection => entryOf(connection, null, this.#port.log)).sort(byId)
  }

  /** A connection of this process is in the room, perhaps it was before. */
  join (connection: ServerConnection, name: string, presence: ResolvedPresence): void {
    const entry = entryOf(connection, presence, this.#port.log)
    const members = this.#port.membersOf(name)
    // The application's function may have done anything.
    if (!members.has(connection)) return
    let room = this.#rooms.get(name)
    const isFirst = room === undefined || !room.isOpen
    if (room === undefined) {
      this.#rooms.set(name, room = new RoomPresence(name, presence, {
        node: this.#port.node,
        isCutOff: () => this.#isCutOff,
        tellMembers: (room, notice) => this.#port.tellMembers(room, notice)
      }))
      // The room may have been declared after others had joined it.
      for (const other of members) if (other !== connection) room.join(entryOf(other, presence, this.#port.log))
    }
    room.join(entry)
    if (this.#port.isAlone) return
    if (isFirst) this.#open(room)
    this.#dirty.add(room)
    this.#gather()
  }

  leave (connection: ServerConnection, name: string): void {
    const room = this.#rooms.get(name)
    if (room === undefined) return
    room.leave(connection.id)
    if (!room.isOpen && (this.#port.isAlone || room.own.version === 0)) {
      this.#forget(room)
    } else if (!this.#port.isAlone) {
      this.#dirty.add(room)
      this.#gather()
    }
  }

  /* What the others say. */

  onAppeared (node: string, isNew: boolean): void {
    for (const room of this.#rooms.values()) {
      if (!room.isOpen) continue
      room.begin(node, isNew ? 'empty' : 'lost')
      if (!isNew) this.#want(node, room)
    }
  }

  onGone (node: string): void {
    this.#wanted.delete(node)
    for (const room of this.#rooms.values()) room.end(node)
  }

  onChanges (node: string, name: string, changes: Changes): void {
    const room = this.#rooms.get(name)
    const roll = room?.others.get(node)
    if (room === undefined || roll === undefined) return
    roll.onChanges(changes)
    this.#wantIfBehind(node, room)
  }

  onRoll (node: string, roll: Roll): void {
    const room = this.#rooms.get(roll.room)
    if (room === undefined) return
    room.others.get(node)?.onRoll(roll)
    this.#wantIfBehind(node, room)
  }

  onDigests (node: string, { rooms }: Digests): void {
    for (const [name, version, count] of rooms) {
      const room = this.#rooms.get(name)
      const roll = room?.others.get(node)
      if (room === undefined || roll === undefined) continue
      roll.onDigest(version, count)
      this.#wantIfBehind(node, room)
    }
  }

  onSync (node: string, { rooms }: Sync): void {
    const digests: Digest[] = []
    for (const [name, known] of rooms) {
      const room = this.#rooms.get(name)
      if (room !== undefined) this.#tellChanges(room)
      if (room === undefined || !room.isOpen) {
        digests.push([name, this.#version, 0])
      } else if (room.own.version === known) {
        digests.push(digestOf(room))
      } else {
        const pages = pagesOf([...room.own.entries.values()])
        for (const [page, members] of pages.entries()) {
          this.#port.tell({ say: 'roll', room: name, version: room.own.version, page, pages: pages.length, members }, node)
        }
      }
    }
    this.#tellDigests(digests, node)
  }

  /** All is synchronized again when the others can be reached again: nobody knows what was lost. */
  onState (state: AdapterState): void {
    this.#isCutOff = state === 'unavailable'
    if (this.#isCutOff) return
    for (const room of this.#rooms.values()) {
      for (const [node, roll] of room.others) {
        roll.doubt()
        this.#want(node, room)
      }
    }
    this.#flush()
    this.#tellAllDigests()
  }

  /** Asks again where no answer came, and where nothing was heard for a long time. */
  onTick (now: number): void {
    const patience = this.#interval * digestIntervals * (1 + jitter) * missedDigests
    for (const room of this.#rooms.values()) {
      for (const [node, roll] of room.others) {
        if (roll.isCurrent && roll.entries.size > 0 && now - roll.confirmedAt >= patience) roll.doubt()
        this.#wantIfBehind(node, room)
      }
    }
    if (now < this.#digestsDue) return
    this.#flush()
    this.#tellAllDigests()
  }

  stop (): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    for (const room of this.#rooms.values()) room.close()
    this.#rooms.clear()
    this.#dirty.clear()
    this.#wanted.clear()
  }

  #current (name: string): RoomPresence | null {
    const room = this.#rooms.get(name)
    return room !== undefined && room.isOpen && room.isCurrent ? room : null
  }

  /** The first member here: from now on it matters who is there elsewhere. */
  #open (room: RoomPresence): void {
    const now = performance.now()
    for (const node of this.#port.others) {
      if (room.others.has(node)) continue
      room.begin(node, 'unknown')
    }
    for (const roll of room.others.values()) roll.askedAt = now
    const ask = () => { if (room.isOpen) this.#want(null, room) }
    // What they tell between their answer and the subscription would be lost.
    this.#port.listenTo(room.name).then(ask, ask)
  }

  #forget (room: RoomPresence): void {
    this.#rooms.delete(room.name)
    this.#dirty.delete(room)
    for (const rooms of this.#wanted.values()) rooms.delete(room)
  }

  #wantIfBehind (node: string, room: RoomPresence): void {
    const roll = room.others.get(node)
    if (roll === undefined || roll.isCurrent || performance.now() - roll.askedAt < this.#interval) return
    this.#want(node, room)
  }

  #want (node: string | null, room: RoomPresence): void {
    let rooms = this.#wanted.get(node)
    if (rooms === undefined) this.#wanted.set(node, rooms = new Set())
    rooms.add(room)
    this.#gather()
  }

  #gather (): void {
    this.#timer ??= outside(() => setTimeout(() => {
      this.#timer = null
      this.#flush()
    }, gatherTime)).unref()
  }

  /** What happens while nobody is reached is told, and asked, afterwards. */
  #flush (): void {
    if (this.#isCutOff) return
    for (const room of this.#dirty) this.#tellChanges(room)
    for (const [node, rooms] of this.#wanted) this.#ask(node, rooms)
    this.#wanted.clear()
  }

  #tellChanges (room: RoomPresence): void {
    this.#dirty.delete(room)
    for (const changes of room.own.take(() => ++this.#version)) this.#port.tellRoom(room.name, changes)
    if (!room.isOpen) this.#forget(room)
  }

  #ask (node: string | null, rooms: ReadonlySet<RoomPresence>): void {
    const now = performance.now()
    const known: Known[] = []
    for (const room of rooms) {
      if (node === null) {
        for (const roll of room.others.values()) roll.askedAt = now
        known.push([room.name, 0])
        continue
      }
      const roll = room.others.get(node)
      // What was missing has come meanwhile.
      if (roll === undefined || roll.isCurrent) continue
      roll.askedAt = now
      known.push([room.name, roll.version])
    }
    for (const page of piecesOf(known)) this.#port.tell({ say: 'sync', rooms: page }, node)
  }

  #tellAllDigests (): void {
    this.#digestsDue = performance.now() + this.#interval * digestIntervals * (1 - jitter + 2 * jitter * Math.random())
    this.#tellDigests([...this.#rooms.values()].filter(room => room.isOpen).map(digestOf), null)
  }

  #tellDigests (digests: readonly Digest[], to: string | null): void {
    for (const rooms of piecesOf(digests)) this.#port.tell({ say: 'digests', rooms }, to)
  }
}

function digestOf (room: RoomPresence): Digest {
  return [room.name, room.own.version, room.own.entries.size]
}

function * piecesOf<Item> (list: readonly Item[]): Iterable<readonly Item[]> {
  for (let start = 0; start < list.length; start += pageOfRooms) yield list.slice(start, start + pageOfRooms)
}
