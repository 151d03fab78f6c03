import { setImmediate, setTimeout } from 'node:timers/promises'
import t from 'tap'
import type { Test } from 'tap'
import { memoryAdapter, MemoryHub } from '../../../lib/index.ts'
import { Dice, ModelClient } from '../../helpers/feed-model.ts'
import type { Kept } from '../../helpers/feed-model.ts'
import { historyServer } from '../../helpers/histories.ts'
import type { HistoryServer } from '../../helpers/histories.ts'
import { keepAlive } from '../../helpers/keep-alive.ts'
import type { Pair } from '../../helpers/pairs.ts'

const runs = Number(process.env.HISTORY_RUNS ?? 8)
const first = Number(process.env.HISTORY_SEED ?? Date.now() % 1_000_000)
const room = 'chat:1'
const history = { size: 10_000, ttl: 60_000 }

/** A client that has a new connection each time, and says where it was. */
class Wanderer {
  readonly model: ModelClient
  pair: Pair | null = null
  settled: Promise<unknown> = Promise.resolve()

  constructor (name: string) {
    this.model = new ModelClient(name)
  }

  async come ({ open }: HistoryServer): Promise<void> {
    const pair = await open()
    const { model } = this
    const since = model.since
    this.pair = pair
    model.latest = null
    model.wasToldOfGap = false
    void this.#listen(pair)
    const joined = pair.connection.join(room, { since })
    this.settled = joined.then(({ recovered, eventId }) => {
      if (this.pair !== pair || recovered || model.wasToldOfGap) return
      const [epoch, offset] = String(eventId).split('-')
      model.restart({ epoch, offset: Number(offset) })
    }, () => {
      // Who could not join tries again some day, with what it has.
      if (this.pair === pair) this.go()
    })
  }

  async #listen ({ client }: Pair): Promise<void> {
    try {
      for (;;) {
        const message = await client.receive() as { eventId: string }
        if (this.pair?.client === client) this.model.take(message)
      }
    } catch {}
  }

  go (): void {
    this.pair?.connection.terminate()
    this.pair = null
  }
}

async function run (t: Test, seed: number): Promise<string[]> {
  const dice = new Dice(seed)
  const hub = new MemoryHub()
  const servers = [await historyServer(t, hub, { plugin: { adapterTimeout: 40 }, declaration: { history } }), await historyServer(t, hub, { plugin: { adapterTimeout: 40 }, declaration: { history } })]
  for (const { adapter } of servers) {
    adapter.loses = () => dice.chance(0.1)
    adapter.forgets = () => dice.chance(0.2)
  }
  const clients = Array.from({ length: 6 }, (_, index) => new Wanderer(`client-${index}`))
  const sent: Array<Promise<unknown>> = []
  let n = 0
  const taken = new Set<number>()

  function send (): void {
    const number = ++n
    sent.push(dice.oneOf(servers).app.room(room).send({ n: number }).then(() => taken.add(number), () => {}))
  }

  for (let step = 0; step < 150; step++) {
    const client = dice.oneOf(clients)
    const { adapter } = dice.oneOf(servers)
    const action = dice.roll()
    if (action < 0.5) send()
    else if (action < 0.7) {
      client.go()
      await client.come(dice.oneOf(servers))
    } else if (action < 0.75) client.go()
    else if (action < 0.8) adapter.break()
    else if (action < 0.9) adapter.mend()
    else if (dice.chance(0.2)) await setTimeout(dice.below(60))
    if (dice.chance(0.5)) await setImmediate()
  }

  for (const { adapter } of servers) {
    adapter.loses = adapter.forgets = () => false
    adapter.mend()
  }
  await Promise.all(clients.map(({ settled }) => settled))
  for (const client of clients) if (client.pair === null) await client.come(dice.oneOf(servers))
  await Promise.all([...clients.map(({ settled }) => settled), ...sent])
  // It may still pause after an answer that was lost, for longer than this message would wait.
  for (let isTaken = false; !isTaken;) isTaken = await servers[0].app.room(room).send({ n: ++n }).then(() => true, () => false)
  const reader = memoryAdapter(hub).history
  const { epoch } = await reader?.read(`=${room}`, null, history) ?? { epoch: '' }
  const { events, head } = await reader?.read(`=${room}`, { epoch, offset: 0 }, history) ?? { events: [], head: 0 }
  const kept: Kept[] = events.map(event => ({ ...event, isUndone: false }))
  const failures: string[] = []
  const numbers = events.map(({ envelope }): number => JSON.parse(String(envelope.payload)).n)
  if (new Set(numbers).size < numbers.length) failures.push('the history has a message twice')
  for (const number of taken) if (!numbers.includes(number)) failures.push(`${number} was taken and is not there`)
  for (const [index, { app }] of servers.entries()) if (app.wsStats().adapter.published === 0) failures.push(`server ${index} published nothing`)
  for (let turn = 0; turn < 50; turn++) await setImmediate()
  for (const { model } of clients) {
    const failure = model.check({ epochs: new Map([[epoch, kept]]) })
    if (failure !== null) failures.push(`${model.id}: ${failure}`)
    failures.push(...model.failures.map(each => `${model.id}: ${each}`))
    const end = model.had.at(-1)?.offset
    if (end !== head) failures.push(`${model.id} is at ${end}, not at ${head}`)
  }
  for (const { app } of servers) {
    if (app.rooms.status.waiting !== 0) failures.push(`${app.rooms.status.waiting} wait`)
    await app.close()
  }
  return failures
}

t.test('two servers, clients that come and go, an adapter that goes and comes and loses: nobody misses a message without being told', { timeout: 100_000 }, async t => {
  keepAlive(t)
  const unhandled: unknown[] = []
  const listener = (error: unknown): void => { unhandled.push(error) }
  process.on('unhandledRejection', listener)
  t.teardown(() => process.off('unhandledRejection', listener))
  t.comment(`HISTORY_SEED=${first} HISTORY_RUNS=${runs}`)
  for (let seed = first; seed < first + runs; seed++) {
    const failures = await run(t, seed)
    if (failures.length > 0) {
      t.same(failures.slice(0, 5), [], `HISTORY_SEED=${seed} HISTORY_RUNS=1`)
      return
    }
  }
  t.same(unhandled, [])
})
