import type { FastifyBaseLogger } from 'fastify'
import type { Member, MembersOptions } from '../../../types/rooms.ts'
import { checkWhole } from '../../check-option.ts'
import type { ServerConnection } from '../../connection/connection.ts'
import { isThenable } from '../../connection/thenable.ts'
import { FST_ERR_WS_OPTION } from '../../errors.ts'
import type { ResolvedPresence } from '../../room-options.ts'

/** Somebody in a room, as processes tell each other. */
export interface Entry {
  /** The connection's `id`. */
  readonly id: string
  /** null for none */
  readonly key: string | null
  /** What others see of it, as JSON: nobody can change it afterwards. null for nothing. */
  readonly json: string | null
}

/** The most characters of what others see of one member: a page of members has to fit through any broker. */
const maxData = 32_768

/** Declarations whose `data` has failed before: it is called at every join, and would fill the log. */
const failed = new WeakSet<ResolvedPresence>()

/** A connection as others see it. What is wrong with its `presence` never keeps it from joining. */
export function entryOf (connection: ServerConnection, presence: ResolvedPresence | null, log: FastifyBaseLogger): Entry {
  const { id, key = null } = connection
  if (presence === null || presence.data === null) return { id, key, json: null }
  try {
    return { id, key, json: jsonOf(presence.data(connection)) }
  } catch (error) {
    if (!failed.has(presence)) log.error({ err: error }, 'presence of a connection is unknown: its data function failed; later failures are not logged')
    failed.add(presence)
    return { id, key, json: null }
  }
}

function jsonOf (data: unknown): string | null {
  if (data === undefined) return null
  if (isThenable(data)) {
    data.then(ignore, ignore)
    throw new TypeError('presence data must not be a promise')
  }
  const json: string | undefined = JSON.stringify(data)
  if (json === undefined) throw new TypeError(`presence data must be JSON, not a ${typeof data}`)
  if (json.length > maxData) throw new RangeError(`presence data is ${json.length} characters of JSON, and may be ${maxData}`)
  return json
}

function ignore (): void {}

/** What came from another process need not be JSON. */
export function dataOf ({ json }: Entry): unknown {
  if (json === null) return undefined
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}

export function memberOf (entry: Entry, node: string): Member {
  const { id, key } = entry
  return key === null ? { id, node, data: dataOf(entry) } : { id, key, node, data: dataOf(entry) }
}

/** Ids have an order that every process agrees on, whatever its language is. */
export function byId (a: { readonly id: string }, b: { readonly id: string }): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}

/** What `members()` was asked for, with nothing left to guess. */
export interface MembersRange {
  /** null for all */
  readonly limit: number | null
  /** null for from the beginning */
  readonly after: string | null
}

/** @throws FST_ERR_WS_OPTION */
export function resolveRange ({ limit, after }: MembersOptions): MembersRange {
  if (limit !== undefined) checkWhole('limit', limit, 1, Number.MAX_SAFE_INTEGER)
  if (after !== undefined && typeof after !== 'string') throw new FST_ERR_WS_OPTION('after', 'must be the id of a member')
  return { limit: limit ?? null, after: after ?? null }
}

/** A part of what is in the order of ids already. */
export function inRange<Listed extends { readonly id: string }> (sorted: readonly Listed[], { limit, after }: MembersRange): Listed[] {
  let start = 0
  if (after !== null) {
    let end = sorted.length
    while (start < end) {
      const middle = (start + end) >>> 1
      if (sorted[middle].id <= after) start = middle + 1
      else end = middle
    }
  }
  return sorted.slice(start, limit === null ? undefined : start + limit)
}

/** The most members of one page, and about the most bytes. */
const pageLength = 500
const pageBytes = 256 * 1024
/** Brackets, quotes and commas around an entry. */
const overhead = 16

/** Cuts a list into pieces that fit into envelopes; an empty one is one empty piece. */
export function pagesOf (entries: readonly Entry[]): Entry[][] {
  let page: Entry[] = []
  const pages = [page]
  let bytes = 0
  for (const entry of entries) {
    const size = sizeOf(entry)
    if (page.length === pageLength || (page.length > 0 && bytes + size > pageBytes)) {
      pages.push(page = [])
      bytes = 0
    }
    page.push(entry)
    bytes += size
  }
  return pages
}

/** How many bytes an entry takes, at least: JSON within JSON escapes some. */
export function sizeOf ({ id, key, json }: Entry): number {
  return overhead + id.length + (key === null ? 0 : Buffer.byteLength(key)) + (json === null ? 0 : Buffer.byteLength(JSON.stringify(json)))
}
