import type { FastifyReply, FastifyRequest } from 'fastify'
import { FST_ERR_WS_CLIENT_LIMIT, FST_ERR_WS_CONNECTION_LIMIT } from '../errors.ts'
import type { ConnectionLimits } from '../limit-options.ts'
import { ipKey } from './ip-key.ts'
import type { Opening } from './opening.ts'

/** In how many seconds those who are refused may come back: at random between these, so that they don't all come at once. */
const retryAfter = { least: 5, most: 15 }

/** How many there are of each name; one of which there is none is forgotten. null is nobody's name, and not counted. */
class Tally {
  readonly #most: number
  readonly #counts = new Map<string, number>()

  /** @param most of each; with `Infinity` nothing is counted */
  constructor (most: number) {
    this.#most = most
  }

  /** How many names. */
  get size (): number {
    return this.#counts.size
  }

  get isLimited (): boolean {
    return this.#most !== Infinity
  }

  isFull (name: string | null): boolean {
    return name !== null && (this.#counts.get(name) ?? 0) >= this.#most
  }

  add (name: string | null): void {
    if (name !== null && this.isLimited) this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1)
  }

  remove (name: string | null): void {
    if (name === null || !this.isLimited) return
    const left = (this.#counts.get(name) ?? 0) - 1
    if (left > 0) this.#counts.set(name, left)
    else this.#counts.delete(name)
  }
}

/** The places that are taken, of a server or of one route: by connections, and by upgrades that may become some. */
export class Occupancy {
  /** For the error's message. */
  readonly scope: string
  readonly byIp: Tally
  readonly byKey: Tally
  readonly #most: number
  #total = 0

  /** null where nothing is limited */
  static of (limits: ConnectionLimits, scope = ''): Occupancy | null {
    const { total, perIp, perKey } = limits
    return total === Infinity && perIp === Infinity && perKey === Infinity ? null : new Occupancy(limits, scope)
  }

  private constructor ({ total, perIp, perKey }: ConnectionLimits, scope: string) {
    this.scope = scope
    this.#most = total
    this.byIp = new Tally(perIp)
    this.byKey = new Tally(perKey)
  }

  get total (): number {
    return this.#total
  }

  get isFull (): boolean {
    return this.#total >= this.#most
  }

  add (ip: string | null): void {
    this.#total++
    this.byIp.add(ip)
  }

  remove (ip: string | null, key: string | null): void {
    this.#total--
    this.byIp.remove(ip)
    this.byKey.remove(key)
  }
}

/** What one upgrade has reserved, and keeps as a connection. Whoever has it releases it, once. */
export class Place {
  readonly #occupancies: readonly Occupancy[]
  readonly #ip: string | null
  #key: string | null = null

  constructor (occupancies: readonly Occupancy[], ip: string | null) {
    this.#occupancies = occupancies
    this.#ip = ip
    for (const occupancy of occupancies) occupancy.add(ip)
  }

  /** Whether there was room for one more with this key. */
  reserve (key: string): boolean {
    for (const { byKey } of this.#occupancies) if (byKey.isFull(key)) return false
    this.#key = key
    for (const { byKey } of this.#occupancies) byKey.add(key)
    return true
  }

  release (): void {
    for (const occupancy of this.#occupancies) occupancy.remove(this.#ip, this.#key)
  }
}

/** Lets upgrades to one route in while there is room for them: on the server, and on the route. */
export class Admission {
  readonly #occupancies: readonly Occupancy[]
  readonly #isByIp: boolean

  /** null where nothing is limited */
  static of (server: Occupancy | null, route: Occupancy | null): Admission | null {
    const occupancies = [server, route].filter(occupancy => occupancy !== null)
    return occupancies.length === 0 ? null : new Admission(occupancies)
  }

  private constructor (occupancies: readonly Occupancy[]) {
    this.#occupancies = occupancies
    this.#isByIp = occupancies.some(({ byIp }) => byIp.isLimited)
  }

  /**
   * Reserves a place, before it is known whose it is.
   *
   * @throws FST_ERR_WS_CONNECTION_LIMIT, FST_ERR_WS_CLIENT_LIMIT
   */
  enter (opening: Opening, request: FastifyRequest, reply: FastifyReply): void {
    // It ended while the origin's policy was asked: nobody would give its place back.
    if (!opening.isPending) return
    // An application may have routed the request a second time.
    opening.leave()
    const ip = this.#isByIp ? ipKey(request.ip) : null
    for (const { isFull, scope } of this.#occupancies) {
      if (isFull) {
        sayWhen(reply)
        throw new FST_ERR_WS_CONNECTION_LIMIT(scope)
      }
    }
    for (const { byIp } of this.#occupancies) {
      if (byIp.isFull(ip)) {
        sayWhen(reply)
        throw new FST_ERR_WS_CLIENT_LIMIT('address')
      }
    }
    opening.place = new Place(this.#occupancies, ip)
  }
}

/**
 * Counts an upgrade by its key, too. One that is over by now has no place any more.
 *
 * @throws FST_ERR_WS_CLIENT_LIMIT
 */
export function enterByKey ({ place }: Opening, key: string, reply: FastifyReply): void {
  if (place === null || place.reserve(key)) return
  sayWhen(reply)
  throw new FST_ERR_WS_CLIENT_LIMIT('key')
}

function sayWhen (reply: FastifyReply): void {
  const { least, most } = retryAfter
  void reply.header('Retry-After', least + Math.floor(Math.random() * (most - least + 1)))
}
