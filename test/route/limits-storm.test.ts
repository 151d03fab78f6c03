import { setTimeout as delay } from 'node:timers/promises'
import Fastify from 'fastify'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import t from 'tap'
import type { Test } from 'tap'
import { resolvePluginOptions } from '../../lib/options.ts'
import { ownCompilers } from '../../lib/route/compilers.ts'
import { upgradeConstraint } from '../../lib/route/constraint.ts'
import { declareRoute } from '../../lib/route/route.ts'
import { WsServer } from '../../lib/route/ws-server.ts'
import { Random } from '../fuzz/random.ts'
import { until } from '../fuzz/until.ts'
import { deferred, listen } from '../helpers/app.ts'
import { close } from '../helpers/bytes.ts'
import { acceptStatus, versionOptions } from '../helpers/http-version.ts'
import { RawClient } from '../helpers/raw-client.ts'

/** The steps of an upgrade at which the application has its say, and what comes of it there. */
const steps = ['origin', 'onRequest', 'preHandler', 'limitKey', 'onSend', 'onOpen', 'onClose'] as const
const turns = ['goes on', 'goes on later', 'fails', 'fails later', 'the client goes', 'takes for ever'] as const
/** What the client does with its connection. */
const ends = ['closes', 'resets', 'stays', 'is closed', 'breaks the protocol'] as const

const limits = { connections: 24, connectionsPerIp: 5, connectionsPerKey: 5 }
const routeLimits = { connections: 16, connectionsPerIp: 4, connectionsPerKey: 3 }
const clients = 400

/** What one client is to meet. */
interface Fate {
  readonly step: typeof steps[number]
  readonly turn: typeof turns[number]
  readonly end: typeof ends[number]
}

/** A server whose limits can be looked into, and two routes at which everything happens that may. */
class Storm {
  readonly app: FastifyInstance = Fastify({ ...versionOptions, trustProxy: true })
  readonly server: WsServer
  readonly #fates: Fate[] = []
  readonly #clients: RawClient[] = []
  readonly #over = deferred()
  readonly #random: Random
  most = 0

  constructor (seed: number) {
    this.#random = new Random(seed)
    this.server = new WsServer(this.app, resolvePluginOptions({ limits, handshakeTimeout: 150, closeTimeout: 100, drain: { timeout: 500 } }, this.app))
    this.app.addConstraintStrategy(upgradeConstraint())
    this.app.decorateRequest('wsExpiresAt', null)
    this.app.addHook('onReady', async () => { await this.server.start(ownCompilers(this.app, {})) })
    this.app.addHook('preClose', async () => { await this.server.stop() })
    this.#declare('/a', {})
    this.#declare('/b', routeLimits)
  }

  #declare (url: string, limits: object): void {
    const meet = (step: Fate['step']) => (request: FastifyRequest): unknown => this.#meet(step, request)
    declareRoute(this.server, this.app, url, {
      limits,
      origin: (_origin, request) => this.#meet('origin', request) as boolean,
      onRequest: async request => { await meet('onRequest')(request) },
      preHandler: async request => { await meet('preHandler')(request) },
      limitKey: request => {
        const met = this.#meet('limitKey', request)
        const key = request.headers['x-user'] as string | undefined
        return met instanceof Promise ? met.then(() => key) : key
      },
      onSend: async (request, reply) => {
        // A header that can't be sent makes the 101 itself fail.
        if (this.#fates[idOf(request)].step === 'onSend' && this.#random.oneIn(3)) void reply.header('x-broken', 'a\nb')
        await meet('onSend')(request)
      },
      onOpen: (connection, request) => {
        this.most = Math.max(this.most, this.server.occupancy?.total ?? 0)
        if (this.#fates[idOf(request)].end === 'is closed') setImmediate(() => { connection.close(4000) })
        const met = this.#meet('onOpen', request)
        return met instanceof Promise ? met.then(() => idOf(request)) : idOf(request)
      },
      onClose: async connection => {
        const { step, turn } = this.#fates[connection.data as number]
        if (step === 'onClose' && turn.endsWith('later')) await delay(1)
        if (step === 'onClose' && turn.startsWith('fails')) throw new Error('onClose')
      }
    }, () => {})
  }

  /** Lets the application do what it is to do at this step. */
  #meet (step: Fate['step'], request: FastifyRequest): true | Promise<true> {
    const fate = this.#fates[idOf(request)]
    if (fate.step !== step) return true
    if (fate.turn === 'goes on') return true
    if (fate.turn === 'fails') throw new Error(step)
    return this.#later(fate.turn, idOf(request))
  }

  async #later (turn: Fate['turn'], id: number): Promise<true> {
    if (turn === 'the client goes') this.#clients[id].reset()
    if (turn === 'takes for ever') await this.#over.promise
    await delay(this.#random.below(20))
    if (turn === 'fails later') throw new Error(turn)
    return true
  }

  /** A client that meets its fate. */
  async client (port: number): Promise<void> {
    const random = this.#random.fork(String(this.#fates.length))
    const fate = { step: random.pick(steps), turn: random.oneIn(3) ? 'goes on' as const : random.pick(turns), end: random.pick(ends) }
    try {
      const client = await this.#request(port, fate, random.pick(['/a', '/b']), random.below(6), random.oneIn(4) ? null : `u${random.below(4)}`)
      if ((await client.reply()).statusCode !== acceptStatus) return
      if (fate.end === 'closes') await client.close(1000)
      if (fate.end === 'resets') client.reset()
      if (fate.end === 'breaks the protocol') client.write(Buffer.from([0xff, 0xff]))
      if (fate.end === 'is closed') client.write(close(4000))
    } catch {
      // It was reset, or the server has gone: that is what a storm does.
    }
  }

  /** What a client is answered to which nothing happens, and which stays. */
  async knock (port: number, network: number, user: string | null): Promise<string> {
    const client = await this.#request(port, { step: 'onRequest', turn: 'goes on', end: 'stays' }, '/b', network, user)
    const { statusCode, body } = await client.reply()
    return statusCode === acceptStatus ? String(acceptStatus) : `${statusCode} ${(JSON.parse(body) as { message: string }).message}`
  }

  async #request (port: number, fate: Fate, path: string, network: number, user: string | null): Promise<RawClient> {
    const id = this.#fates.push(fate) - 1
    const client = this.#clients[id] = await RawClient.connect(port)
    client.request(path, {
      headers: { Origin: 'https://example.com', 'X-Id': String(id), 'X-User': user, 'X-Forwarded-For': `2001:db8:0:${network}::${id.toString(16)}` }
    })
    return client
  }

  /** Ends what takes for ever, and what stays. */
  clear (): void {
    for (const { socket } of this.#clients) socket.destroy()
    this.#over.resolve()
  }
}

function idOf ({ headers }: FastifyRequest): number {
  return Number(headers['x-id'])
}

/** Nothing is counted any more, and no name is remembered. */
function isEmpty (t: Test, { server: { occupancy, connections } }: Storm): void {
  t.equal(connections.size, 0)
  t.match(occupancy, { total: 0, byIp: { size: 0 }, byKey: { size: 0 } })
}

async function blow (t: Test, seed: number): Promise<{ storm: Storm, port: number, all: Promise<unknown> }> {
  t.comment(`seed ${seed}`)
  const storm = new Storm(seed)
  t.after(() => { storm.clear(); return storm.app.close() })
  const port = await listen(storm.app)
  const random = new Random(seed, 'pace')
  const all: Array<Promise<void>> = []
  for (let i = 0; i < clients; i++) {
    all.push(storm.client(port))
    if (random.oneIn(4)) await delay(random.below(10))
  }
  return { storm, port, all: Promise.all(all) }
}

t.test('after a storm of upgrades that end in every way, nothing is counted, and every place of the server and of the route can be taken again', async t => {
  const { storm, port, all } = await blow(t, Date.now())
  await all
  storm.clear()
  await until('all is over', () => storm.server.connections.size === 0 && storm.server.stats.upgrades.pending === 0)
  isEmpty(t, storm)
  t.ok(storm.most > 0 && storm.most <= limits.connections, `at most ${storm.most} at a time`)
  const { opened } = storm.server.counters
  const { refused, aborted } = storm.server.stats.upgrades
  t.same(Object.keys(refused), ['429', '500', '503'])
  t.ok(opened > 0 && aborted > 0, JSON.stringify({ opened, refused, aborted }))

  const { connections, connectionsPerIp, connectionsPerKey } = routeLimits
  for (let i = 0; i < connectionsPerKey; i++) t.equal(await storm.knock(port, 0, 'u0'), String(acceptStatus))
  t.equal(await storm.knock(port, 1, 'u0'), '429 too many connections of this key')
  for (let i = connectionsPerKey; i < connectionsPerIp; i++) t.equal(await storm.knock(port, 0, null), String(acceptStatus))
  t.equal(await storm.knock(port, 0, null), '429 too many connections of this address')
  for (let i = connectionsPerIp; i < connections; i++) t.equal(await storm.knock(port, i, `u${i}`), String(acceptStatus))
  t.equal(await storm.knock(port, 99, null), '503 too many connections of this route')
})

t.test('a server that is closed within the storm counts nothing in the end', async t => {
  const { storm, all } = await blow(t, Date.now() + 1)
  t.ok((storm.server.occupancy?.total ?? 0) > 0)
  await storm.app.close()
  storm.clear()
  await all
  await until('all is over', () => storm.server.connections.size === 0 && storm.server.stats.upgrades.pending === 0)
  isEmpty(t, storm)
})
