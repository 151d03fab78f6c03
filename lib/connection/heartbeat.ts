import { outside } from '../outside.ts'

/** Whoever is asked for a sign of life. */
export interface Beating {
  /** Where it is on the wheel, which the heartbeat sets; null while it is not. A map of all would take 46 bytes of each. */
  slot: Set<Beating> | null
  /** Asks the peer. */
  beat (): void
  /** The peer has had its time: ends the connection if nothing came. */
  endIfSilent (): void
}

/** At how many moments of an interval connections are pinged: a few at each, not all at once. */
const ticksPerInterval = 25

/** The shortest tick, in milliseconds. */
const leastTick = 5

/**
 * Pings connections at an interval, and ends those from which nothing comes within a time after that (RFC 6455 section 5.5.2). One timer for all: a
 * wheel whose every slot is pinged at one of its ticks and looked at again some ticks later.
 */
export class Heartbeat {
  readonly #tick: number
  readonly #slots: Array<Set<Beating>>
  readonly #ticksToAnswer: number
  /** How late a tick may be for those to be ended who seem silent, in milliseconds. */
  readonly #mostDelay: number
  #size = 0
  #timer: NodeJS.Timeout | null = null
  #now = 0
  #lastTick = 0

  /**
   * @param interval milliseconds
   * @param timeout milliseconds, at most the interval
   */
  constructor (interval: number, timeout: number) {
    this.#tick = Math.max(leastTick, interval / ticksPerInterval)
    const count = Math.max(2, Math.round(interval / this.#tick))
    this.#slots = Array.from({ length: count }, () => new Set<Beating>())
    this.#mostDelay = timeout / 5
    this.#ticksToAnswer = Math.min(count - 1, Math.max(1, Math.round(timeout / this.#tick)))
  }

  /** Its first ping comes after half an interval at the earliest, at random: thousands may connect at once. */
  add (connection: Beating): void {
    const half = Math.floor(this.#slots.length / 2)
    const ahead = half + Math.ceil(Math.random() * (this.#slots.length - half))
    connection.slot = this.#slotAt(this.#now + ahead).add(connection)
    this.#size++
    if (this.#timer !== null) return
    this.#lastTick = performance.now()
    this.#timer = outside(() => setInterval(() => this.#onTick(), this.#tick).unref())
  }

  delete (connection: Beating): void {
    if (connection.slot === null) return
    connection.slot.delete(connection)
    connection.slot = null
    this.#size--
    if (this.#size > 0 || this.#timer === null) return
    clearInterval(this.#timer)
    this.#timer = null
  }

  #onTick (): void {
    const time = performance.now()
    // A process that was busy has not read what came meanwhile: nobody is ended for that.
    const wasBusy = time - this.#lastTick > this.#tick + this.#mostDelay
    this.#lastTick = time
    this.#now++
    for (const connection of this.#slotAt(this.#now)) connection.beat()
    if (wasBusy) return
    for (const connection of this.#slotAt(this.#now - this.#ticksToAnswer)) connection.endIfSilent()
  }

  #slotAt (tick: number): Set<Beating> {
    const { length } = this.#slots
    return this.#slots[((tick % length) + length) % length]
  }
}

/** The heartbeats of one server: routes with the same times share one. */
export class Heartbeats {
  readonly #all = new Map<string, Heartbeat>()

  of (interval: number, timeout: number): Heartbeat {
    const name = `${interval} ${timeout}`
    let heartbeat = this.#all.get(name)
    if (heartbeat === undefined) this.#all.set(name, heartbeat = new Heartbeat(interval, timeout))
    return heartbeat
  }
}
