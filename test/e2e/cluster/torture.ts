import { setTimeout as delay } from 'node:timers/promises'
import type { Test } from 'tap'
import { until } from '../faults/watched-server.ts'
import type { ServerSettings } from './carriers.ts'
import { ClusterServer } from './cluster-server.ts'
import type { Joined, SaidMessage } from './messages.ts'
import type { Ground } from './outages.ts'
import { planFaults } from './plan.ts'
import type { Fault, FaultKind } from './plan.ts'
import { Random } from './random.ts'
import { Findings, placeOf, Truth } from './record.ts'
import { ResumingClient } from './resuming-client.ts'
import type { Witness } from './resuming-client.ts'

export interface TortureOptions {
  readonly seed: number
  readonly seconds: number
  readonly settings: Omit<ServerSettings, 'carrier'>
  readonly clients?: number
  readonly rooms?: number
  /** Messages in a second, by all clients. */
  readonly rate?: number
  /** Clients that lose their connection in a second, of themselves. */
  readonly drops?: number
}

const roomsOfEach = 2
const tick = 50
const processRhythm = { up: [4_000, 12_000], down: [200, 4_000] } as const
const brokerRhythm = { up: [2_500, 6_000], down: [200, 4_500] } as const

type FaultCounts = Record<FaultKind, number>

/** A cluster that is ill-treated, its clients, and what they were told. */
export class Torture implements Witness {
  readonly ground: Ground
  readonly servers: readonly ClusterServer[]
  readonly faults: { readonly broker: FaultCounts, readonly processes: FaultCounts } = { broker: noFaults(), processes: noFaults() }
  /** Answers to joins of those that had been there before, by what they said of recovery. */
  readonly resumed = { true: 0, false: 0 }
  /** How many of these said true to clients that had gone before the broker was killed last, and how many messages they brought. */
  readonly acrossKills = { resumed: 0, replayed: 0 }
  readonly refused = { joins: 0, messages: 0 }
  readonly findings = new Findings()
  #replayed = 0
  #plain = 0
  #spoke = -Infinity
  #kept = 0
  #lastKill = -Infinity
  readonly #t: Test
  readonly #options: Required<TortureOptions>
  readonly #names: readonly string[]
  readonly #clients: readonly ResumingClient[]
  readonly #random: Random
  readonly #taken = new Map<string, Set<string>>()

  constructor (t: Test, ground: Ground, options: TortureOptions) {
    this.#t = t
    this.ground = ground
    this.#options = { clients: 300, rooms: 20, rate: 120, drops: 8, ...options }
    const { seed, clients, rooms } = this.#options
    this.#random = new Random(seed)
    this.#names = Array.from({ length: rooms }, (_, index) => `room:${index}`)
    this.servers = Array.from({ length: 3 }, (_, index) => new ClusterServer(t, this.#settingsOf(index), ground.launch))
    this.#clients = Array.from({ length: clients }, (_, index) => this.#client(`c${index}`, this.#roomsOf(index)))
    t.after(() => { for (const client of this.#clients) client.stop() })
  }

  /** Processes with another client of the same broker are of one cluster. */
  #settingsOf (index: number): ServerSettings {
    const { carrier } = this.ground
    return { ...this.#options.settings, carrier: carrier.client === 'ioredis' && index === 1 ? { ...carrier, client: 'node-redis' } : carrier }
  }

  #roomsOf (index: number): string[] {
    const first = index % this.#names.length
    return Array.from({ length: roomsOfEach }, (_, nth) => this.#names[(first + nth * 7) % this.#names.length])
  }

  #client (name: string, rooms: readonly string[]): ResumingClient {
    return new ResumingClient(name, rooms, rooms[0].replace('room', 'lobby'), () => this.#findServer(), this.#random, this)
  }

  #findServer (): number | null {
    const ports = this.servers.flatMap(({ port }) => port === null ? [] : [port])
    return ports.length === 0 ? null : this.#random.of(ports)
  }

  /** Everybody is there. */
  async start (): Promise<void> {
    await Promise.all(this.servers.map(server => server.start()))
    for (const client of this.#clients) client.start()
    await until(() => this.#clients.every(client => client.isPlaced))
  }

  /** Kills and restarts for as long as it was asked for, while clients send, go and come back. */
  async rage (): Promise<void> {
    const milliseconds = this.#options.seconds * 1_000
    const random = new Random(this.#options.seed + 1)
    const plans = this.servers.map(() => planFaults(random, milliseconds, processRhythm))
    const brokerPlan = planFaults(random, milliseconds, brokerRhythm, this.ground.faults)
    const begin = performance.now()
    const crowd = setInterval(() => this.#crowd(), tick)
    const beats = setInterval(() => { for (const client of this.#clients) client.beat() }, 500)
    this.#t.after(() => {
      clearInterval(crowd)
      clearInterval(beats)
    })
    await Promise.all([
      delay(milliseconds),
      this.#carryOut(begin, brokerPlan, fault => this.#hurtBroker(fault)),
      ...plans.map((plan, index) => this.#carryOut(begin, plan, fault => this.#hurt(this.servers[index], fault)))
    ])
    clearInterval(crowd)
  }

  async #carryOut (begin: number, plan: readonly Fault[], hurt: (fault: Fault) => Promise<void>): Promise<void> {
    for (const fault of plan) {
      await delay(begin + fault.at - performance.now())
      await hurt(fault)
    }
  }

  async #hurtBroker ({ kind, lasts }: Fault): Promise<void> {
    const { broker } = this.ground
    this.faults.broker[kind]++
    if (kind === 'SIGSTOP') {
      await broker.freeze()
      await delay(lasts)
      await broker.thaw()
    } else {
      this.#lastKill = performance.now()
      await broker.kill(kind)
      await delay(lasts)
      await broker.restart()
    }
  }

  async #hurt (server: ClusterServer, { kind, lasts }: Fault): Promise<void> {
    this.faults.processes[kind]++
    if (kind === 'SIGSTOP') {
      await server.freeze()
      await delay(lasts)
      server.thaw()
    } else {
      await server.kill(kind)
      await delay(lasts)
      await server.start()
    }
  }

  /** What the crowd does in one tick: some speak, some go. */
  #crowd (): void {
    this.#speak()
    if (this.#random.next() < this.#options.drops * tick / 1_000) this.#random.of(this.#clients).drop()
  }

  #speak (): void {
    // A machine that is busy ticks late.
    const now = performance.now()
    const elapsed = Math.min(now - this.#spoke, 20 * tick)
    this.#spoke = now
    for (let owed = this.#options.rate * elapsed / 1_000 + this.#random.next() - 0.5; owed > 0.5; owed--) {
      const client = this.#random.of(this.#clients)
      if (client.isConnected) client.say(this.#random.of([...client.rooms, client.plainRoom]))
    }
  }

  /** The broker forgets everything while half of the clients are away; nobody speaks meanwhile. Settles when all know. */
  async forget (): Promise<void> {
    await until(() => this.#clients.every(client => client.isPlaced && client.unanswered === 0))
    const away = this.#clients.filter((_, index) => index % 2 === 0)
    for (const client of away) client.stop()
    await this.#hurtBroker({ at: 0, kind: 'SIGKILL', lasts: 500 })
    await until(() => this.#clients.every(client => away.includes(client) || [...client.records.values()].every(({ gaps }) => gaps > 0)))
    for (const client of away) client.start()
    await until(() => away.every(client => client.isPlaced))
  }

  /** The broker is killed and takes all servers with it; clients come back to those that come after them. */
  async perish (): Promise<void> {
    await until(() => this.#clients.every(client => client.isPlaced && client.unanswered === 0))
    await this.#hurtBroker({ at: 0, kind: 'SIGKILL', lasts: 500 })
    await Promise.all(this.servers.map(server => server.ended()))
    await until(() => this.#clients.every(client => !client.isPlaced))
    await Promise.all(this.servers.map(server => server.start()))
    await until(() => this.#clients.every(client => client.isPlaced))
  }

  /** Clients speak, and nothing else happens. */
  async speak (milliseconds: number): Promise<void> {
    const crowd = setInterval(() => this.#speak(), tick)
    await delay(milliseconds)
    clearInterval(crowd)
  }

  /** Nobody is hurt any more: what was sent is taken or refused, everybody goes once more and comes back, and has everything. */
  async calm (): Promise<void> {
    await until(() => this.#clients.every(client => client.isPlaced && client.unanswered === 0))
    for (const client of this.#clients) client.drop()
    await until(() => this.#clients.every(client => client.isPlaced))
    // Those that come have no part in the rooms' past: they are told where these are now.
    const heads = this.#client('heads', this.#names)
    heads.start()
    this.#t.after(() => heads.stop())
    await until(() => heads.isPlaced)
    const headOf = (room: string): string | null | undefined => heads.records.get(room)?.since
    await until(() => this.#clients.every(client => client.rooms.every(room => client.records.get(room)?.since === headOf(room))))
    heads.stop()
  }

  /** Holds what clients got against what any of them got. */
  check (): void {
    for (const room of this.#names) {
      const records = new Map(this.#clients.flatMap(client => {
        const record = client.records.get(room)
        return record === undefined ? [] : [[client.name, record] as const]
      }))
      const truth = new Truth(room, records.values(), this.findings)
      truth.checkPublishers()
      if (this.ground.carrier.isDurable) truth.checkTaken(this.#taken.get(room) ?? new Set())
      for (const [name, record] of records) truth.checkClient(name, record)
      this.#kept += truth.size
    }
  }

  /** Figures for people. */
  get figures (): Record<string, number> {
    const records = this.#clients.flatMap(({ records }) => [...records.values()])
    // Of rooms: those of one broker may share one.
    const epochs = this.#clients.flatMap(({ records }) => Array.from(records, ([room, { segments }]) => segments.map(({ begin }) => `${room} ${placeOf(begin).epoch}`)).flat())
    const segments = records.flatMap(record => record.segments)
    return {
      taken: [...this.#taken.values()].reduce((sum, taken) => sum + taken.size, 0),
      'refused messages': this.refused.messages,
      'refused joins': this.refused.joins,
      kept: this.#kept,
      delivered: segments.reduce((sum, { received }) => sum + received.length, 0),
      replayed: this.#replayed,
      'delivered without history': this.#plain,
      'resumed: true': this.resumed.true,
      'resumed: false': this.resumed.false,
      'true across a kill of the broker': this.acrossKills.resumed,
      'replayed across one': this.acrossKills.replayed,
      segments: segments.length,
      'gap notices': records.reduce((sum, { gaps }) => sum + gaps, 0),
      epochs: new Set(epochs).size,
      'starts without a broker': this.servers.reduce((sum, { failedStarts }) => sum + failedStarts, 0)
    }
  }

  onJoined (_client: ResumingClient, _room: string, { recovered, replayed }: Joined, away: { readonly since: number } | null): void {
    if (away === null) return
    this.resumed[recovered ? 'true' : 'false']++
    this.#replayed += replayed
    if (!recovered || away.since > this.#lastKill) return
    this.acrossKills.resumed++
    this.acrossKills.replayed += replayed
  }

  onJoinRefused (): void {
    this.refused.joins++
  }

  onPlain ({ name }: ResumingClient, { room, publisher, n }: SaidMessage, last: number): void {
    this.#plain++
    if (n <= last) this.findings.add(n === last ? 'duplicated' : 'reordered', `${room}: ${name} got ${publisher} ${n} after ${last}`)
  }

  onSaid (room: string, message: string, code: string | null): void {
    if (!this.#names.includes(room)) return
    if (code !== null) {
      this.refused.messages++
      return
    }
    let taken = this.#taken.get(room)
    if (taken === undefined) this.#taken.set(room, taken = new Set())
    taken.add(message)
  }
}

function noFaults (): FaultCounts {
  return { SIGKILL: 0, SIGTERM: 0, SIGSTOP: 0 }
}
