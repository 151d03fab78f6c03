import t from 'tap'
import { connect } from '../../lib/client/index.ts'
import type { Client } from '../../types/client.ts'
import { Random } from '../fuzz/random.ts'
import { FakeSocket, FeedServer } from '../helpers/feed-server.ts'
import { VirtualTime } from '../helpers/virtual-time.ts'

/* Whatever a server and a network that keep docs/guarantees.md do, at whatever moment: nothing is lost, nothing comes twice or in another order, there is one connection. */

const seed = Number(process.env.MODEL_SEED ?? 1)
const runs = Number(process.env.MODEL_RUNS ?? 150)
const rooms = ['a', 'b', 'c']

/** What the application knows of a room that it has joined: the place up to which it has everything. */
interface Place {
  at: string | null
}

class Application {
  readonly client: Client
  readonly places = new Map<string, Place>()
  readonly complaints: string[] = []
  readonly log: string[] = []
  hasLeft = false

  constructor (random: Random) {
    this.client = connect('ws://model/', {
      WebSocket: FakeSocket,
      requestTimeout: 5_000,
      ...random.oneIn(2) && { authenticate: async refused => random.oneIn(10) && refused === null ? Promise.reject(new Error('away')) : {} }
    })
    this.client.on('said', message => this.#onMessage(message as never))
    this.client.on('gap', message => this.#onMessage(message as never))
    this.client.on('error', () => {})
  }

  join (room: string): void {
    let place = this.places.get(room)
    this.log.push(`join ${room}`)
    if (place !== undefined) return
    this.places.set(room, place = { at: null })
    const known = place
    this.client.join(room, reply => {
      const { recovered, eventId } = reply as { recovered: boolean, eventId: string }
      this.log.push(`joined ${room} ${recovered} ${eventId}`)
      if (this.places.get(room) !== known) this.complaints.push(`told of ${room}, which was left`)
      if (!recovered) known.at = eventId
      else if (known.at === null) this.complaints.push(`${room} recovered from nowhere`)
    }).catch(({ code }) => {
      if (code === 'WS_CLIENT_LEFT') return
      if (code !== 'FST_ERR_WS_INTERNAL') this.complaints.push(`${room}: ${code}`)
      // The handler has failed behind its join.
      if (this.places.get(room) === known) this.leave(room)
    })
  }

  leave (room: string): void {
    this.hasLeft = true
    this.log.push(`leave ${room}`)
    this.places.delete(room)
    this.client.leave(room)
    if (this.client.state === 'open') this.client.send({ type: 'leave', room })
  }

  #onMessage ({ type, room, eventId }: { type: string, room: string, eventId: string }): void {
    this.log.push(`${type} ${room} ${eventId}`)
    const place = this.places.get(room)
    if (place === undefined) return
    if (place.at === null) {
      this.complaints.push(`${room} ${eventId} before the answer`)
      return
    }
    const [epoch, offset] = place.at.split('-').map(Number)
    if (type === 'said' && eventId !== `${epoch}-${offset + 1}`) this.complaints.push(`${room} ${eventId} behind ${place.at}`)
    place.at = eventId
  }
}

async function run (random: Random): Promise<string[]> {
  const time = new VirtualTime()
  FakeSocket.all = []
  time.take()
  const { random: realRandom } = Math
  Math.random = () => random.next() / 2 ** 32
  try {
    const server = new FeedServer(random, random.pick([2, 10, 1_000]))
    const application = new Application(random)
    const { client, complaints, log } = application
    let early = 1
    const socket = (): FakeSocket | undefined => FakeSocket.live[0]
    const steps: Array<readonly [number, () => void]> = [
      [30, () => server.publish(random.pick(rooms))],
      [30, () => { const one = socket(); if (one?.readyState === 1) server.work(one) }],
      [40, () => { if (socket()?.readyState === 1) socket()?.read() }],
      [10, () => { if (socket()?.readyState === 0) socket()?.open() }],
      [4, () => { log.push('cut'); socket()?.end(random.pick([1006, 1006, 1001, 1011, 1013, 4408])) }],
      [6, () => application.join(random.pick(rooms))],
      [random.pick([0, 3]), () => { const room = random.pick(rooms); if (application.places.has(room)) application.leave(room) }],
      [3, () => server.notice(random.pick(rooms))],
      // Where a room is left and joined anew meanwhile, or it happens twice, what was on its way before can't be told from what follows.
      [1, () => { if (server.isIdle || (!application.hasLeft && early-- > 0)) server.forget() }],
      [3, () => client.retry()],
      [3, () => { client.request({ type: 'x' }).catch(() => {}) }],
      [8, () => time.pass(random.pick([1, 100, 1_000, 6_000]))]
    ]
    for (let step = 0; step < 300 && complaints.length === 0; step++) {
      random.weighted(steps)()
      for (let tick = 0; tick < 4; tick++) await null
      if (FakeSocket.live.length > 1) complaints.push(`${FakeSocket.live.length} connections`)
    }
    // From now on all goes well: everybody who is in a room has all of it in the end.
    server.isKind = true
    for (let step = 0; step < 300 && complaints.length === 0; step++) {
      const one = socket()
      if (one?.readyState === 0) one.open()
      else if (one !== undefined) {
        for (let i = 0; i < 20; i++) server.work(one)
        while (one.readyState === 1 && one.coming.length > 0) {
          one.read()
          await null
        }
      }
      if (step < 100) client.retry()
      time.pass(step < 100 ? 500 : 50)
      for (let tick = 0; tick < 4; tick++) await null
    }
    if (complaints.length === 0) for (const [room, { at }] of application.places) if (at !== server.head(room)) complaints.push(`${room} at ${at}, not at ${server.head(room)}`)
    client.close()
    if (FakeSocket.live.length > 0) complaints.push('a connection is left')
    if (time.pending > 0) complaints.push(`${time.pending} timers are left`)
    return complaints.length === 0 ? [] : [...complaints, ...log.slice(-25)]
  } finally {
    time.giveBack()
    Math.random = realRandom
  }
}

t.test(`rooms, by a model (seed ${seed})`, async t => {
  for (let n = 0; n < runs; n++) {
    const complaints = await run(new Random(seed, n))
    if (complaints.length > 0) {
      t.same(complaints, [], `run ${n}`)
      return
    }
  }
  t.pass(`${runs} runs`)
})
