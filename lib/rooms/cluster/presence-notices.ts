import type { PresenceNotice, PresentMember } from '../../../types/notices.ts'
import type { PresenceNotices as NoticesOption } from '../../../types/rooms.ts'
import { outside } from '../../outside.ts'
import { dataOf, sizeOf } from './entry.ts'
import type { Entry } from './entry.ts'

/** Where notices go, and what they are of. */
export interface NoticesPort {
  readonly room: string
  /** How many are in the room; null as long as that is being found out. */
  readonly count: () => number | null
  /** How many are known to be in it, whoever has not answered yet. */
  readonly known: () => number
  readonly tell: (notice: PresenceNotice) => void
}

/** About the most bytes of a notice: it goes to every member. */
const mostBytes = 64 * 1024

/** So many intervals a notice waits for the count. */
const mostWaits = 20

/** Gathers who joined and who left a room, and tells its members of this process at most once an interval. */
export class PresenceNotices {
  readonly #port: NoticesPort
  readonly #options: Readonly<Required<NoticesOption>>
  readonly #joined = new Map<string, { readonly entry: Entry, readonly isNew: boolean }>()
  readonly #left = new Map<string, Entry>()
  #timer: NodeJS.Timeout | null = null
  #waits = 0

  constructor (port: NoticesPort, options: Readonly<Required<NoticesOption>>) {
    this.#port = port
    this.#options = options
  }

  /** @param isNew whether it was not there before: else others see it otherwise now */
  onJoined (entry: Entry, isNew: boolean): void {
    const { id } = entry
    const was = this.#left.get(id)
    this.#left.delete(id)
    if (was === undefined) this.#joined.set(id, { entry, isNew: isNew || this.#joined.get(id)?.isNew === true })
    else if (was.json !== entry.json) this.#joined.set(id, { entry, isNew: false })
    this.#arm()
  }

  onLeft (entry: Entry): void {
    const joined = this.#joined.get(entry.id)
    this.#joined.delete(entry.id)
    if (joined?.isNew !== true) this.#left.set(entry.id, entry)
    this.#arm()
  }

  /** Nobody is left to be told. */
  stop (): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#joined.clear()
    this.#left.clear()
  }

  #arm (): void {
    this.#timer ??= outside(() => setTimeout(() => this.#onTimer(), this.#options.interval)).unref()
  }

  #onTimer (): void {
    this.#timer = null
    const size = this.#joined.size + this.#left.size
    if (size === 0) return
    const count = this.#port.count()
    if (count === null && this.#waits++ < mostWaits) {
      this.#arm()
      return
    }
    this.#waits = 0
    const joined = [...this.#joined.values()].map(({ entry }) => entry)
    const left = [...this.#left.values()]
    this.#joined.clear()
    this.#left.clear()
    this.#port.tell(this.#noticeOf(joined, left, count ?? this.#port.known()))
  }

  /** Where not all can be listed, neither kind takes the whole place of the other. */
  #noticeOf (joined: readonly Entry[], left: readonly Entry[], count: number): PresenceNotice {
    const { limit } = this.#options
    const joinedLimit = Math.max(Math.ceil(limit / 2), limit - left.length)
    const room = { bytes: mostBytes }
    const listedJoined = listed(joined.slice(0, joinedLimit), room)
    const listedLeft = listed(left.slice(0, limit - Math.min(joined.length, joinedLimit)), room)
    const more = joined.length + left.length - listedJoined.length - listedLeft.length
    const notice = { type: 'presence', room: this.#port.room, count, joined: listedJoined, left: listedLeft } as const
    return more === 0 ? notice : { ...notice, more }
  }
}

function listed (entries: readonly Entry[], room: { bytes: number }): PresentMember[] {
  const list: PresentMember[] = []
  for (const entry of entries) {
    room.bytes -= sizeOf(entry)
    if (room.bytes < 0) break
    list.push(entry.json === null ? { id: entry.id } : { id: entry.id, data: dataOf(entry) })
  }
  return list
}
