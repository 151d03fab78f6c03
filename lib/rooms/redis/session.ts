import { setTimeout as pause } from 'node:timers/promises'
import { slotCount, slotOf } from './keys.ts'
import { errorOf } from './redis-port.ts'
import type { Argument, NewConnection, RedisPort } from './redis-port.ts'
import { Wire } from './wire.ts'

/** What a session tells whoever opened it. */
export interface SessionListener {
  onMessage (key: string, bytes: Buffer): void
  onLost (session: Session, error: Error): void
}

/** A command, with a key that it is about. */
export interface KeyedCommand {
  readonly key: string
  readonly command: readonly Argument[]
}

/** One server, with a connection for commands and one for subscriptions: a connection that is subscribed may, by the older protocol, ask for nothing else. */
interface Server {
  readonly commands: Wire
  readonly subscriptions: Wire
}

/** The most channels that one SUBSCRIBE names. */
const mostAtOnce = 500
/**
 * What a server answers that is no longer, or not yet, the right one to ask: who is, is to be found out anew. ASK and TRYAGAIN, while a slot moves from one to another, are over when it
 * has: what has met them fails, and is tried again by whoever wants that.
 */
const notTheRightOne = /^(?:MOVED|CLUSTERDOWN|READONLY|LOADING|MASTERDOWN) ?/

/**
 * Connections to Redis that stand and fall together: the first one that is lost, or hangs, ends all of them. Nothing that was asked of them is asked again by itself, so that
 * nothing is done twice, and nothing late.
 */
export class Session {
  readonly #port: RedisPort
  /** In milliseconds, of a command. */
  readonly #timeout: number
  /** By key. */
  readonly #wanted: ReadonlyMap<string, unknown>
  readonly #listener: SessionListener
  readonly #subscribed = new Set<string>()
  /** Keys that have to be subscribed to, or no longer. */
  readonly #unsettled = new Set<string>()
  #servers: Server[] = []
  /** By slot; null where there is one server. */
  #serverOfSlot: Uint16Array | null = null
  #isSharded = false
  readonly #giveUp = new AbortController()
  #error: Error | null = null
  #timer: NodeJS.Timeout | undefined
  #pass: Promise<void> = Promise.resolve()
  #nextPass: Promise<void> | null = null

  constructor (port: RedisPort, timeout: number, wanted: ReadonlyMap<string, unknown>, listener: SessionListener) {
    this.#port = port
    this.#timeout = timeout
    this.#wanted = wanted
    this.#listener = listener
    for (const key of wanted.keys()) this.#unsettled.add(key)
  }

  /** Why it is of no use any more; null while it is. */
  get error (): Error | null {
    return this.#error
  }

  /** Whether nothing has to be subscribed to, or no longer. */
  get isSettled (): boolean {
    return this.#unsettled.size === 0
  }

  /** Of a cluster each shard carries its own channels: otherwise each message goes to all of its servers. */
  get publishCommand (): 'publish' | 'spublish' {
    return this.#isSharded ? 'spublish' : 'publish'
  }

  /** @param timeout for all connections together, in milliseconds */
  async open (timeout: number): Promise<void> {
    const { signal } = this.#giveUp
    const opening = this.#connect(signal)
    opening.catch(() => {})
    const timer = new AbortController()
    const late = pause(timeout, undefined, { signal: AbortSignal.any([signal, timer.signal]) }).then(() => { throw new Error('it did not answer') })
    try {
      await Promise.race([opening, late])
      this.#timer = setInterval(() => this.#check(), this.#timeout / 2).unref()
    } catch (reason) {
      const error = this.#error ?? errorOf(reason)
      this.#lose(error)
      throw error
    } finally {
      timer.abort()
    }
  }

  async #connect (signal: AbortSignal): Promise<void> {
    const servers = await this.#port.findServers(signal)
    // Too late: nobody would end what is opened now.
    signal.throwIfAborted()
    this.#servers = servers.map(newConnection => ({ commands: this.#wire(newConnection), subscriptions: this.#wire(newConnection) }))
    await Promise.all(this.#servers.flatMap(({ commands, subscriptions }) => [commands.connect(), subscriptions.connect()]))
    if (this.#port.isCluster) await this.#findSlots()
  }

  #wire (newConnection: NewConnection): Wire {
    return new Wire(newConnection, this.#timeout, (key, bytes) => this.#listener.onMessage(key, bytes), error => this.#lose(error))
  }

  async #findSlots (): Promise<void> {
    if (this.#servers.length === 0) throw new Error('the cluster has no masters')
    const ids = await Promise.all(this.#servers.map(async ({ commands }) => String(await commands.command(['cluster', 'myid']))))
    const [{ commands }] = this.#servers
    const [known] = await commands.command(['command', 'info', 'ssubscribe']) as unknown[]
    this.#isSharded = Array.isArray(known)
    this.#serverOfSlot = new Uint16Array(slotCount)
    for (const [first, last, [, , id]] of await commands.command(['cluster', 'slots']) as Array<[number, number, [unknown, unknown, unknown]]>) {
      const server = ids.indexOf(String(id))
      if (server === -1) throw new Error(`the master ${String(id)} of the cluster was not found`)
      this.#serverOfSlot.fill(server, Number(first), Number(last) + 1)
    }
  }

  #serverOf (key: string): Server {
    return this.#servers[this.#serverOfSlot === null ? 0 : this.#serverOfSlot[slotOf(key)]]
  }

  /** @throws what Redis answered, as a rejection */
  async command (key: string, command: readonly Argument[]): Promise<unknown> {
    const [result] = await this.send([{ key, command }])
    if (result.status === 'rejected') throw errorOf(result.reason)
    return result.value
  }

  /** Sends all of them in one round trip to each server that they are for. */
  async send (keyed: readonly KeyedCommand[]): Promise<Array<PromiseSettledResult<unknown>>> {
    const results: Array<PromiseSettledResult<unknown>> = []
    const indexes = new Map<Server, number[]>()
    for (const [index, { key }] of keyed.entries()) {
      const server = this.#serverOf(key)
      const those = indexes.get(server)
      if (those === undefined) indexes.set(server, [index])
      else those.push(index)
    }
    await Promise.all(Array.from(indexes, async ([{ commands }, those]) => {
      try {
        const answers = await commands.send(those.map(index => keyed[index].command))
        for (const [at, index] of those.entries()) results[index] = answers[at]
      } catch (reason) {
        for (const index of those) results[index] = { status: 'rejected', reason }
      }
    }))
    for (const result of results) {
      if (result.status === 'rejected' && notTheRightOne.test(errorOf(result.reason).message)) this.#lose(errorOf(result.reason))
    }
    return results
  }

  /** A key is wanted, or wanted no longer. */
  note (key: string): void {
    this.#unsettled.add(key)
  }

  /** As `note`. Settles when Redis knows. */
  settle (key: string): Promise<void> {
    this.note(key)
    return this.settleAll()
  }

  settleAll (): Promise<void> {
    if (this.#nextPass !== null) return this.#nextPass
    const next = this.#pass.then(() => {
      this.#nextPass = null
      return this.#settleOnce()
    })
    this.#nextPass = next
    // It goes on where another one has failed: by then the session is lost.
    this.#pass = next.catch(() => {})
    return next
  }

  async #settleOnce (): Promise<void> {
    const keys = [...this.#unsettled]
    this.#unsettled.clear()
    const fresh = keys.filter(key => this.#wanted.has(key) && !this.#subscribed.has(key))
    const stale = keys.filter(key => !this.#wanted.has(key) && this.#subscribed.has(key))
    try {
      await this.#forEachServer(stale, (wire, some) => wire.unsubscribe(some, this.#isSharded))
      for (const key of stale) this.#subscribed.delete(key)
      await this.#forEachServer(fresh, (wire, some) => wire.subscribe(some, this.#isSharded))
      for (const key of fresh) this.#subscribed.add(key)
    } catch (error) {
      // It is not known what is subscribed to now.
      this.#lose(errorOf(error))
      throw error
    }
  }

  async #forEachServer (keys: readonly string[], run: (wire: Wire, keys: readonly string[]) => Promise<void>): Promise<void> {
    const byWire = new Map<Wire, string[]>()
    for (const key of keys) {
      const { subscriptions } = this.#isSharded ? this.#serverOf(key) : this.#servers[0]
      const those = byWire.get(subscriptions)
      if (those === undefined) byWire.set(subscriptions, [key])
      else those.push(key)
    }
    await Promise.all(Array.from(byWire, async ([wire, those]) => {
      for (let at = 0; at < those.length; at += mostAtOnce) await run(wire, those.slice(at, at + mostAtOnce))
    }))
  }

  /** Ends it when what was asked of it is answered; one that is being opened, at once. */
  async end (): Promise<void> {
    this.#error ??= new Error('the adapter has stopped')
    clearInterval(this.#timer)
    this.#giveUp.abort(this.#error)
    await Promise.all(this.#servers.flatMap(({ commands, subscriptions }) => [commands.end(), subscriptions.end()]))
  }

  #check (): void {
    for (const { commands, subscriptions } of this.#servers) {
      commands.check()
      subscriptions.check()
    }
  }

  #lose (error: Error): void {
    if (this.#error !== null) return
    this.#error = error
    void this.end()
    this.#listener.onLost(this, error)
  }
}
