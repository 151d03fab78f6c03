import type { Member } from '../../../types/rooms.ts'
import type { ResolvedPresence } from '../../room-options.ts'
import { byId, inRange, memberOf } from './entry.ts'
import type { Entry, MembersRange } from './entry.ts'
import { OwnRoll } from './own-roll.ts'
import { PresenceNotices } from './presence-notices.ts'
import type { PresenceNotice } from '../../../types/notices.ts'
import { RemoteRoll } from './remote-roll.ts'
import type { Beginning, RollListener } from './remote-roll.ts'

/** What one room's presence needs of all. */
export interface RoomPresencePort {
  readonly node: string
  /** Whether the adapter reaches nobody: what is known is all that there is to tell. */
  readonly isCutOff: () => boolean
  readonly tellMembers: (room: string, notice: PresenceNotice) => void
}

/** Who is in one room: the members here, and those of every other process as far as it has told. */
export class RoomPresence implements RollListener {
  readonly name: string
  readonly presence: ResolvedPresence
  readonly own = new OwnRoll()
  readonly others = new Map<string, RemoteRoll>()
  readonly #port: RoomPresencePort
  readonly #notices: PresenceNotices | null
  /** All, in the order of their ids; null where somebody has changed since. */
  #sorted: Array<{ readonly id: string, readonly entry: Entry, readonly node: string }> | null = null

  constructor (name: string, presence: ResolvedPresence, port: RoomPresencePort) {
    this.name = name
    this.presence = presence
    this.#port = port
    this.#notices = presence.notify === null
      ? null
      : new PresenceNotices({
        room: name,
        count: () => this.isCurrent || port.isCutOff() ? this.size : null,
        known: () => this.size,
        tell: notice => port.tellMembers(name, notice)
      }, presence.notify)
  }

  /** Whether it has members here: only then it is kept. */
  get isOpen (): boolean {
    return this.own.entries.size > 0
  }

  /** Whether nothing is known to be missing. */
  get isCurrent (): boolean {
    for (const roll of this.others.values()) if (!roll.isCurrent) return false
    return true
  }

  get size (): number {
    let size = this.own.entries.size
    for (const roll of this.others.values()) size += roll.entries.size
    return size
  }

  members (range: MembersRange): Member[] {
    this.#sorted ??= [
      ...[...this.own.entries.values()].map(entry => ({ id: entry.id, entry, node: this.#port.node })),
      ...[...this.others].flatMap(([node, roll]) => [...roll.entries.values()].map(entry => ({ id: entry.id, entry, node })))
    ].sort(byId)
    return inRange(this.#sorted, range).map(({ entry, node }) => memberOf(entry, node))
  }

  join (entry: Entry): void {
    const before = this.own.entries.get(entry.id)
    if (before !== undefined && before.json === entry.json) return
    this.own.join(entry)
    this.onChanged()
    this.onJoined(entry, before === undefined)
  }

  leave (id: string): void {
    const entry = this.own.leave(id)
    if (entry === null) return
    this.onChanged()
    this.onLeft(entry)
    if (!this.isOpen) this.close()
  }

  /** Another process is there. */
  begin (node: string, beginning: Beginning): void {
    this.others.set(node, new RemoteRoll(beginning, this))
  }

  /** Another process is gone, and its members are with it. */
  end (node: string): void {
    const roll = this.others.get(node)
    this.others.delete(node)
    this.onChanged()
    roll?.end()
  }

  /** Nobody here asks for it any more: what the others told is forgotten. */
  close (): void {
    this.others.clear()
    this.#notices?.stop()
    this.#sorted = null
  }

  onChanged (): void {
    this.#sorted = null
  }

  onJoined (entry: Entry, isNew: boolean): void {
    this.#notices?.onJoined(entry, isNew)
  }

  onLeft (entry: Entry): void {
    this.#notices?.onLeft(entry)
  }
}
