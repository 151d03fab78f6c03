// Who carries a room's messages between processes: each with a broker of its own, or none, two servers and their load.
import { existsSync } from 'node:fs'
import { Child } from '../common.mjs'
import { Broker, programOf } from './brokers.mjs'

/** The one that the others are compared with. */
export const control = 'socket.io'

/** `broker`: its kind. `module`: what the adapter is imported from. `clustered`: the servers are workers of a primary. */
const contenders = {
  redis: { title: 'Redis', broker: 'redis', module: 'redis' },
  'redis-history': { title: 'Redis, history', broker: 'redis', module: 'redis', history: true },
  nats: { title: 'NATS', broker: 'nats', module: 'nats' },
  jetstream: { title: 'NATS JetStream, history', broker: 'jetstream', module: 'nats', history: true },
  cluster: { title: 'node:cluster', module: 'node-cluster', clustered: true },
  'cluster-history': { title: 'node:cluster, history', module: 'node-cluster', clustered: true, history: true },
  [control]: { title: 'Socket.IO, Redis', broker: 'redis', server: 'socket.io' },
  /** What fan-out costs without any: for a look, and in no results. */
  memory: { title: 'one process, no adapter', processes: 1, isExtra: true }
}

export const contenderNames = Object.keys(contenders).filter(name => !contenders[name].isExtra)

/** @throws where there is none of that name */
export function contenderOf (name) {
  if (!Object.hasOwn(contenders, name)) throw new Error(`no contender '${name}'; there are ${Object.keys(contenders).join(', ')}`)
  return { name, processes: 2, history: false, server: 'fastify-typed-ws', ...contenders[name] }
}

/** Why it can't be measured here; null where it can. */
export function lackOf ({ broker, module }) {
  if (module !== undefined && !existsSync(new URL(`../../dist/lib/rooms/${module}/index.js`, import.meta.url))) return `dist/lib/rooms/${module} is not there`
  if (broker === undefined) return null
  const { program, path } = programOf(broker)
  return path === null ? `${program} is not installed` : null
}

/** One contender, up and joined: whatever is measured of it is found here. */
export class Site {
  contender
  load
  #broker = null
  /** Those that were forked; of a clustered one, the primary. */
  #children = []

  static async start (contender, { members, execArgv }) {
    const site = new Site()
    site.contender = contender
    try {
      await site.#start(members, execArgv)
    } catch (error) {
      await site.stop()
      throw error
    }
    return site
  }

  async #start (members, execArgv) {
    const { broker, server, clustered, processes } = this.contender
    if (broker !== undefined) this.#broker = await Broker.start(broker)
    const job = JSON.stringify({ ...this.contender, brokerPort: this.#broker?.port, id: `${process.pid}` })
    const module = clustered ? 'primary' : server
    for (let index = 0; index < (clustered ? 1 : processes); index++) this.#children.push(await Child.start(new URL(`${module}.mjs`, import.meta.url), [job], execArgv))
    this.load = await Child.start(new URL('load.mjs', import.meta.url), [JSON.stringify({ server, members, ports: this.servers.map(({ port }) => port) })])
    await this.load.ask('open')
    for (const child of this.#children) await child.ask('joined', { members: members * (clustered ? processes : 1) })
  }

  /** Of what was measured, and of what it was measured with. */
  get versions () {
    return { ...this.#children[0].ready.versions, ...this.#broker?.version }
  }

  /** The processes with members: `{ port, pid }`. */
  get servers () {
    return this.#children.flatMap(child => child.ready.servers)
  }

  /** What is between them: a broker, or the primary; null where there is nothing. */
  get brokerPid () {
    if (this.#broker !== null) return this.#broker.pid
    return this.contender.clustered ? this.#children[0].ready.pid : null
  }

  async stop () {
    await this.load?.stop()
    for (const child of this.#children) await child.stop()
    await this.#broker?.stop()
  }
}
