import t from 'tap'
import type { Test } from 'tap'
import { until } from '../../helpers/clusters.ts'
import { Dice } from '../../helpers/feed-model.ts'
import { suiteNeeding } from '../../helpers/requirements.ts'
import { startRedis } from './brokers.ts'
import { ClusterServer, launchScript } from './cluster-server.ts'
import type { Broker } from './carriers.ts'
import type { PresenceSettings } from './presence-messages.ts'
import { Watcher } from './watcher.ts'

// Each test has a broker and three processes of its own, which wait for the silence of one another.
t.setTimeout(300_000)

const room = 'room:1'
/** How often processes say that they are alive, and after how long a silence they are taken for dead, in milliseconds. */
const nodes = { interval: 200, timeout: 1_000 }
/** Where so much is to be done that a busy machine keeps a process silent for longer than that. */
const patient = { interval: 500, timeout: 6_000 }

/** Three processes, and a client of each that keeps a list of who is in the room. */
class Ground {
  readonly servers: ReadonlyArray<ClusterServer<PresenceSettings>>
  readonly broker: Broker
  /** By process; null while that is down. */
  readonly watchers: Array<Watcher | null> = [null, null, null]
  readonly #t: Test

  private constructor (t: Test, broker: Broker, servers: ReadonlyArray<ClusterServer<PresenceSettings>>) {
    this.#t = t
    this.broker = broker
    this.servers = servers
  }

  static async start (t: Test, notify: PresenceSettings['notify'], settingsOfNodes = nodes): Promise<Ground> {
    const { carrier, broker } = await startRedis(t, { isDurable: false })
    const settings: PresenceSettings = { carrier, nodes: settingsOfNodes, notify }
    const ground = new Ground(t, broker, Array.from({ length: 3 }, () => new ClusterServer(t, settings, (t, settings) => launchScript(t, settings, '', 'cluster/presence-server.js'))))
    await Promise.all([0, 1, 2].map(index => ground.up(index)))
    return ground
  }

  async up (index: number): Promise<void> {
    await this.servers[index].start()
    this.watchers[index] = await Watcher.join(this.#t, this.port(index), room)
  }

  async down (index: number, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    this.watchers[index] = null
    await this.servers[index].kill(signal)
  }

  port (index: number): number {
    const { port } = this.servers[index]
    if (port === null) throw new Error(`process ${index} does not run`)
    return port
  }

  watcher (index: number): Watcher {
    const watcher = this.watchers[index]
    if (watcher === null) throw new Error(`process ${index} does not run`)
    return watcher
  }

  /** Settles when every process says, and every list has, exactly those who are in the room in processes that are there. */
  async agree (without: readonly number[] = []): Promise<string[]> {
    const there = this.watchers.filter((watcher, index) => watcher !== null && !without.includes(index)) as Watcher[]
    let truth: string[] = []
    await until(async () => {
      truth = (await Promise.all(there.map(watcher => watcher.local()))).flat().sort()
      if (!there.every(({ ids }) => isSame(ids, truth))) return false
      const counts = await Promise.all(there.map(async watcher => {
        const reply = await watcher.ask('members')
        return reply.type === 'members' && reply.count === truth.length && isSame(reply.members.map(({ id }) => id), truth)
      }))
      return counts.every(Boolean)
    })
    return truth
  }
}

function isSame (some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((id, index) => id === others[index])
}

suiteNeeding(['redis-server'], 'Redis', async t => {
  t.jobs = 2

  t.test('a list kept by members() and notices is true again after whatever happens to processes and the broker', async t => {
    const { PRESENCE_SEED } = process.env
    const seed = Number(PRESENCE_SEED ?? Math.floor(Math.random() * 2 ** 31))
    process.stderr.write(`presence: PRESENCE_SEED=${seed}\n`)
    const dice = new Dice(seed)
    const ground = await Ground.start(t, { interval: 20, limit: 20 })

    /** Members come and go in some of the processes that run, a few times. */
    async function bustle (among: readonly number[]): Promise<void> {
      for (let times = 0; times < 12; times++) await ground.watcher(dice.oneOf(among)).ask('crowd', { count: dice.below(60) })
    }
    const all = [0, 1, 2]
    await bustle(all)
    await ground.agree()

    const faults: Array<[string, (victim: number, others: readonly number[]) => Promise<void>]> = [
      ['a process is killed', async (victim, others) => {
        await ground.watcher(victim).ask('crowd', { count: 30 })
        await ground.down(victim, 'SIGKILL')
        await bustle(others)
        t.equal((await ground.agree()).filter(id => ground.watcher(others[0]).list.get(id) === undefined).length, 0, 'with the data of all')
        await ground.up(victim)
      }],
      ['a process stands still for longer than nodes.timeout', async (victim, others) => {
        await ground.watcher(victim).ask('crowd', { count: 30 })
        await ground.servers[victim].freeze()
        await bustle(others)
        await ground.agree([victim])
        ground.servers[victim].thaw()
      }],
      ['the broker is killed, and comes back', async (victim, others) => {
        await ground.broker.kill('SIGKILL')
        await bustle([victim, ...others])
        await ground.broker.restart()
      }],
      ['the broker is killed, and a process with it', async (victim, others) => {
        await ground.broker.kill('SIGKILL')
        await ground.down(victim, 'SIGKILL')
        await bustle(others)
        await ground.broker.restart()
        await ground.up(victim)
      }],
      ['processes are restarted one after the other', async () => {
        for (const index of all) {
          await ground.down(index, 'SIGTERM')
          await bustle(all.filter(other => other !== index))
          await ground.up(index)
        }
      }]
    ]
    for (const [title, happen] of faults) {
      const victim = dice.below(3)
      await happen(victim, all.filter(index => index !== victim))
      await bustle(all)
      t.ok((await ground.agree()).length >= 3, title)
    }
  })

  t.test('ten thousand members: what their coming and going costs is bounded, and all know them', async t => {
    const interval = 400
    const begun = performance.now()
    const ground = await Ground.start(t, { interval, limit: 100 }, patient)
    await Promise.all(ground.watchers.map(watcher => watcher?.ask('crowd', { count: 3_333 })))
    t.equal((await ground.agree()).length, 10_002)
    await ground.down(2, 'SIGKILL')
    t.equal((await ground.agree()).length, 6_668)
    const lasted = performance.now() - begun
    for (const { notices } of [ground.watcher(0), ground.watcher(1)]) {
      t.ok(notices.length <= lasted / interval + 1, `${notices.length} in ${Math.round(lasted)} ms`)
      t.ok(Math.max(...notices.map(({ bytes }) => bytes)) < 16_384)
      t.equal(notices.at(-1)?.notice.count, 6_668)
    }
  })

  t.test('connections of a key are moved, and a room is closed, in all processes', async t => {
    const ground = await Ground.start(t, { interval: 20 }, patient)
    await ground.agree()
    const anna = await Promise.all([0, 0, 1, 2].map(index => Watcher.open(t, ground.port(index), room, 'anna')))
    const ben = await Watcher.open(t, ground.port(1), room, 'ben')
    const asker = ground.watcher(2)
    t.match(await asker.ask('join key', { key: 'anna' }), { count: 4 })
    t.match(await asker.ask('join key', { key: 'nobody' }), { count: 0 })
    t.equal((await ground.agree()).length, 7)
    t.match(await asker.ask('leave key', { key: 'anna' }), { count: 4 })
    t.equal((await ground.agree()).length, 3)
    t.match(await asker.ask('join key', { key: 'anna', room: 'quiet:1' }), { count: 4 })
    t.match(await ben.ask('members', { room: 'quiet:1' }), { count: 4 }, 'a room without presence is asked for')
    await ben.ask('close', { room: 'quiet:1' })
    t.same(await Promise.all(anna.map(({ closed }) => closed)), [4000, 4000, 4000, 4000])
    // Their servers hear of the end after them.
    await until(async () => {
      const reply = await ben.ask('members', { room: 'quiet:1' })
      return reply.type === 'members' && reply.count === 0
    })
    t.match(await ben.ask('members'), { count: 3 }, 'nobody else was closed')
  })
})
