import type { Entry } from './entry.ts'

/*
 * What registries say to each other, as JSON. It comes from another process: perhaps of another version, perhaps of none of ours. Whatever is not
 * as it is described here is nothing at all.
 */

/** Says that a process has just started, and asks the others to tell that they are alive. */
export interface Hello { readonly say: 'hello' }

export interface Alive { readonly say: 'alive' }

/** Says that a process stops, and will not be heard of again. */
export interface Bye { readonly say: 'bye' }

/** What changed among a process's members of a room; the room is that of the channel. */
export interface Changes {
  readonly say: 'changes'
  /** The version that it was before; 0 where it had nobody, so that `joined` are all. */
  readonly previous: number
  /** Larger for what came later, in all rooms of a process. */
  readonly version: number
  readonly joined: readonly Entry[]
  readonly left: readonly string[]
}

/** A room and the version that is known of it, 0 for none. */
export type Known = readonly [room: string, version: number]

/** A room, its version and how many members it has there. */
export type Digest = readonly [room: string, version: number, count: number]

/** Asks for the members of rooms: a roll, or a digest where the version that is known is the newest, or there are none. */
export interface Sync {
  readonly say: 'sync'
  readonly rooms: readonly Known[]
}

/** One page of a process's members of a room. */
export interface Roll extends Page {
  readonly say: 'roll'
  readonly room: string
  readonly version: number
}

/** The versions of a process's rooms. */
export interface Digests {
  readonly say: 'digests'
  readonly rooms: readonly Digest[]
}

/** A part of a list. */
export interface Page {
  /** From 0 on. */
  readonly page: number
  /** How many there are. */
  readonly pages: number
  readonly members: readonly Entry[]
}

/** What every process is asked. */
export type Question =
  | { readonly of: 'count', readonly room: string }
  | { readonly of: 'members', readonly room: string, readonly limit: number | null, readonly after: string | null }
  | { readonly of: 'join' | 'leave', readonly room: string, readonly key: string }

export type Ask = Question & { readonly say: 'ask', readonly id: number }

export interface Answer extends Page {
  readonly say: 'answer'
  /** That of the question. */
  readonly id: number
  /** How many members are meant, listed or not. */
  readonly count: number
}

export type ControlMessage = Hello | Alive | Bye | Changes | Sync | Roll | Digests | Ask | Answer

type Wire = readonly [id: string, key: string | null, json: string | null]

/** The message as it is put into an envelope: members as short lists. */
export function encodeControl (message: ControlMessage): object {
  if ('members' in message) return { ...message, members: message.members.map(wireOf) }
  if ('joined' in message) return { ...message, joined: message.joined.map(wireOf) }
  return message
}

function wireOf ({ id, key, json }: Entry): Wire {
  return [id, key, json]
}

/** null where it is none. */
export function decodeControl (payload: string): ControlMessage | null {
  let body: unknown
  try {
    body = JSON.parse(payload)
  } catch {
    return null
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return null
  const fields: Fields = new Map(Object.entries(body))
  const say = fields.get('say')
  const decode = typeof say === 'string' ? decoders.get(say) : undefined
  return decode === undefined ? null : decode(fields)
}

/** A map: names that every object has are no fields. */
type Fields = ReadonlyMap<string, unknown>

const decoders: ReadonlyMap<string, (fields: Fields) => ControlMessage | null> = new Map<string, (fields: Fields) => ControlMessage | null>([
  ['hello', () => ({ say: 'hello' })],
  ['alive', () => ({ say: 'alive' })],
  ['bye', () => ({ say: 'bye' })],
  ['changes', decodeChanges],
  ['sync', fields => {
    const rooms = fields.get('rooms')
    return isListOf(rooms, isKnown) ? { say: 'sync', rooms } : null
  }],
  ['digests', fields => {
    const rooms = fields.get('rooms')
    return isListOf(rooms, isDigest) ? { say: 'digests', rooms } : null
  }],
  ['roll', decodeRoll],
  ['ask', decodeAsk],
  ['answer', decodeAnswer]
])

function decodeChanges (fields: Fields): Changes | null {
  const [previous, version, wires, left] = ['previous', 'version', 'joined', 'left'].map(name => fields.get(name))
  const joined = entriesOf(wires)
  if (!isCount(previous) || !isCount(version) || version <= previous || joined === null || !isListOf(left, isId)) return null
  return { say: 'changes', previous, version, joined, left }
}

function decodeRoll (fields: Fields): Roll | null {
  const [room, version] = [fields.get('room'), fields.get('version')]
  const page = pageOf(fields)
  return !isRoom(room) || !isCount(version) || page === null ? null : { say: 'roll', room, version, ...page }
}

function decodeAnswer (fields: Fields): Answer | null {
  const [id, count] = [fields.get('id'), fields.get('count')]
  const page = pageOf(fields)
  return !isCount(id) || !isCount(count) || page === null ? null : { say: 'answer', id, count, ...page }
}

function decodeAsk (fields: Fields): Ask | null {
  const [id, of, room, limit, after, key] = ['id', 'of', 'room', 'limit', 'after', 'key'].map(name => fields.get(name))
  if (!isCount(id) || !isRoom(room)) return null
  switch (of) {
    case 'count':
      return { say: 'ask', id, of, room }
    case 'members':
      return (limit === null || isCount(limit)) && (after === null || typeof after === 'string') ? { say: 'ask', id, of, room, limit, after } : null
    case 'join':
    case 'leave':
      return typeof key === 'string' && key !== '' ? { say: 'ask', id, of, room, key } : null
    default:
      return null
  }
}

/** A list of pages is kept until all have come: more than this is nobody's. */
const maxPages = 100_000

function pageOf (fields: Fields): Page | null {
  const [page, pages] = [fields.get('page'), fields.get('pages')]
  const members = entriesOf(fields.get('members'))
  return !isCount(page) || !isCount(pages) || page >= pages || pages > maxPages || members === null ? null : { page, pages, members }
}

function entriesOf (wires: unknown): Entry[] | null {
  return isListOf(wires, isWire) ? wires.map(([id, key, json]) => ({ id, key, json })) : null
}

function isListOf<Item> (value: unknown, isItem: (item: unknown) => item is Item): value is readonly Item[] {
  return Array.isArray(value) && value.every(isItem)
}

function isWire (value: unknown): value is Wire {
  return Array.isArray(value) && value.length === 3 && isId(value[0]) && isTextOrNull(value[1]) && isTextOrNull(value[2])
}

function isKnown (value: unknown): value is Known {
  return Array.isArray(value) && value.length === 2 && isRoom(value[0]) && isCount(value[1])
}

function isDigest (value: unknown): value is Digest {
  return Array.isArray(value) && value.length === 3 && isRoom(value[0]) && isCount(value[1]) && isCount(value[2])
}

function isTextOrNull (value: unknown): value is string | null {
  return value === null || typeof value === 'string'
}

function isId (value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= 128
}

function isRoom (value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= 256
}

function isCount (value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
