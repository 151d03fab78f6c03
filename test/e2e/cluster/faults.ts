import type { Test } from 'tap'
import { ClusterNode } from './cluster-node.ts'
import type { ClusterNodeOptions } from './cluster-node.ts'
import { ClusterServer } from './cluster-server.ts'
import { Speaker } from './speaker.ts'
import { outages, startGround } from './outages.ts'
import type { Ground, Outage, StartBroker } from './outages.ts'

const unavailable = 'FST_ERR_WS_ROOM_UNAVAILABLE'
/** Longer than any outage of these tests, in milliseconds. */
const patient = 60_000
/** Shorter than they may be, and longer than what needs no outage takes on a busy machine, in milliseconds. */
const impatient = 5_000

/**
 * What becomes of rooms when a broker, or a process, fails: the same for every broker.
 *
 * @param ways in which it is lost and comes back, with all that it has
 */
export function faultsOf (t: Test, startBroker: StartBroker, ways = outages): void {
  for (const outage of ways) {
    t.test(`a broker that is ${outage.title}: rooms without history`, async t => { await withoutHistory(t, startBroker, outage) })
    t.test(`a broker that is ${outage.title}: rooms with history`, async t => { await withHistory(t, startBroker, outage) })
    t.test(`a broker that is ${outage.title} for longer than adapterTimeout`, async t => { await refuses(t, startBroker, outage) })
    t.test(`a broker that is ${outage.title}: app.close() ends meanwhile`, async t => { await closes(t, startBroker, outage) })
  }
  if (ways.some(({ proxied }) => proxied)) t.test('a broker that is slow loses and turns round nothing', async t => { await slow(t, startBroker) })
  t.test('a broker that has lost its histories: nobody is told that it has recovered, and who stayed is told of the gap', async t => { await forgetful(t, startBroker) })
  t.test('a client that was away for longer than the history reaches is told so', async t => { await pastHistory(t, startBroker) })
  t.test('a process that is killed while it publishes to a room with history', async t => { await midPublish(t, startBroker, 'room:1') })
  t.test('a process that is killed while it publishes to a room without history', async t => { await midPublish(t, startBroker, 'lobby') })
}

/** Two processes, with two clients and one. */
async function pairOf (t: Test, { open }: Ground, options: ClusterNodeOptions = {}): Promise<{ nodes: [ClusterNode, ClusterNode], ada: Speaker, near: Speaker, far: Speaker }> {
  const nodes: [ClusterNode, ClusterNode] = [await ClusterNode.start(t, open, options), await ClusterNode.start(t, open, options)]
  const [ada, near, far] = await Promise.all([nodes[0].client(t, 'ada'), nodes[0].client(t, 'near'), nodes[1].client(t, 'far')])
  return { nodes, ada, near, far }
}

async function withoutHistory (t: Test, startBroker: StartBroker, outage: Outage): Promise<void> {
  const ground = await startGround(t, startBroker, { proxied: outage.proxied })
  const { nodes, ada, near, far } = await pairOf(t, ground)
  for (const client of [ada, near, far]) await client.join('lobby')
  await far.join('left')
  t.equal(await ada.say('lobby', 1), null)
  t.same(await far.heard('lobby', 1), [1])

  await outage.begin(ground)
  await Promise.all(nodes.map(node => node.lost()))
  t.ok(await ada.say('lobby', 2) !== null, 'the sender is told that it did not reach the others')
  t.same(await near.heard('lobby', 2), [1, 2], 'who is in the same process gets it at once')
  await far.join('new')
  await far.leave('left')
  for (const { app } of nodes) {
    t.ok(app.rooms.status.error instanceof Error)
    t.match(app.wsStats().adapter, { state: 'unavailable', lost: 1 })
  }
  t.ok(nodes[0].app.wsStats().adapter.failed > 0)

  await outage.end(ground)
  await Promise.all(nodes.map(node => node.healed()))
  for (const [room, n] of [['lobby', 3], ['left', 4], ['new', 5], ['lobby', 6]] as const) t.equal(await ada.say(room, n), null)
  t.same(await far.heard('lobby', 6), [1, 3, 6], 'what was sent in the outage is lost to other processes, what follows is not')
  t.same([await far.heard('new', 5), far.numbers('left')], [[5], []], 'what was joined or left in the outage is')
  t.same(await near.heard('lobby', 6), [1, 2, 3, 6])
  for (const { app, events, lines } of nodes) {
    t.match(app.rooms.status, { state: 'ready', error: null })
    t.match(app.wsStats().adapter, { state: 'ready', lost: 1 })
    t.match(events, [{ state: 'unavailable', error: Error }, { state: 'ready', error: null }])
    t.same(lines, ['adapter is unavailable: rooms reach this process only', 'adapter is ready again'])
  }
}

async function withHistory (t: Test, startBroker: StartBroker, outage: Outage): Promise<void> {
  const ground = await startGround(t, startBroker, { proxied: outage.proxied })
  const { nodes, ada, near, far } = await pairOf(t, ground, { adapterTimeout: patient })
  const away = await nodes[1].client(t, 'away')
  for (const client of [ada, near, far, away]) await client.join('room:1')
  for (const n of [1, 2, 3]) t.equal(await ada.say('room:1', n), null)
  await Promise.all([near, far, away].map(async client => await client.heard('room:1', 3)))
  const since = away.lastEventId('room:1')
  away.drop()

  await outage.begin(ground)
  await Promise.all(nodes.map(node => node.lost()))
  const said = [4, 5, 6].map(n => ada.say('room:1', n))
  const back = await nodes[0].client(t, 'back')
  const joined = back.join('room:1', since)
  // It has come that far: what is sent over one connection is handled in order.
  await ada.join('lobby')
  t.equal(nodes[0].app.rooms.status.waiting, 3)
  t.equal(nodes[0].app.wsStats().adapter.waiting, 3)
  t.same([near.numbers('room:1'), far.numbers('room:1')], [[1, 2, 3], [1, 2, 3]], 'nobody gets what has no place in the history yet')

  await outage.end(ground)
  t.same(await Promise.all(said), [null, null, null], 'all of them are taken')
  t.match(await joined, { recovered: true })
  await Promise.all(nodes.map(node => node.healed()))
  t.equal(await ada.say('room:1', 7), null)
  for (const client of [ada, near, far]) t.same(await client.heard('room:1', 7), [1, 2, 3, 4, 5, 6, 7])
  t.same(await back.heard('room:1', 7), [4, 5, 6, 7])
  t.equal(nodes[0].app.rooms.status.waiting, 0)
}

async function refuses (t: Test, startBroker: StartBroker, outage: Outage): Promise<void> {
  const ground = await startGround(t, startBroker, { proxied: outage.proxied })
  const { nodes, ada, near, far } = await pairOf(t, ground, { adapterTimeout: impatient })
  for (const client of [ada, near, far]) await client.join('room:1')
  t.equal(await ada.say('room:1', 1), null)
  await far.heard('room:1', 1)

  await outage.begin(ground)
  t.equal(await ada.say('room:1', 2), unavailable)
  await t.rejects(far.join('room:2'), { message: unavailable })
  await Promise.all(nodes.map(node => node.lost()))
  t.equal(await ada.say('room:1', 3), unavailable)
  await t.rejects(far.join('room:2'), { message: unavailable })

  await outage.end(ground)
  await Promise.all(nodes.map(node => node.healed()))
  t.match(await far.join('room:2'), { recovered: false, replayed: 0 })
  t.equal(await ada.say('room:1', 4), null)
  t.equal(await ada.say('room:2', 5), null)
  const got = await ada.heard('room:1', 4)
  t.ok([[1, 4], [1, 2, 4]].some(each => JSON.stringify(each) === JSON.stringify(got)), `what was refused while it was not known to be lost may have got there, before what follows: ${got}`)
  for (const client of [near, far]) t.same(await client.heard('room:1', 4), got, 'and everybody gets the same')
  t.same(await far.heard('room:2', 5), [5])
}

async function closes (t: Test, startBroker: StartBroker, outage: Outage): Promise<void> {
  const ground = await startGround(t, startBroker, { proxied: outage.proxied })
  const { nodes, ada } = await pairOf(t, ground, { adapterTimeout: patient })
  for (const room of ['room:1', 'lobby']) await ada.join(room)
  await outage.begin(ground)
  // One perhaps before it is noticed, while a handler waits for its message; one after.
  void ada.say('room:1', 1)
  await ada.join('lobby')
  await nodes[0].app.close()
  await nodes[1].lost()
  await nodes[1].app.close()
  t.pass('both have ended')
  await outage.end(ground)
}

async function slow (t: Test, startBroker: StartBroker): Promise<void> {
  const ground = await startGround(t, startBroker, { proxied: true })
  const { nodes, ada, near, far } = await pairOf(t, ground, { adapterTimeout: patient })
  for (const client of [ada, near, far]) for (const room of ['lobby', 'room:1']) await client.join(room)
  ground.proxy?.slow(50, 4_096)
  const numbers = Array.from({ length: 50 }, (_, index) => index + 1)
  const said = numbers.flatMap(n => [ada.say('lobby', n), ada.say('room:1', n)])
  t.ok((await Promise.all(said)).every(code => code === null))
  for (const client of [near, far]) for (const room of ['lobby', 'room:1']) t.same(await client.heard(room, 50), numbers, room)
  for (const { app } of nodes) t.match(app.wsStats(), { adapter: { state: 'ready', lost: 0 }, history: { broken: 0 } })
}

async function forgetful (t: Test, startBroker: StartBroker): Promise<void> {
  const ground = await startGround(t, startBroker, { isDurable: false })
  const { nodes, ada, far } = await pairOf(t, ground, { adapterTimeout: patient })
  for (const client of [ada, far]) await client.join('room:1')
  for (const n of [1, 2, 3]) t.equal(await ada.say('room:1', n), null)
  for (const client of [ada, far]) await client.heard('room:1', 3)
  const since = far.lastEventId('room:1')
  await ground.broker.kill('SIGKILL')
  await Promise.all(nodes.map(node => node.lost()))
  await ground.broker.restart()
  await Promise.all(nodes.map(node => node.healed()))
  for (const client of [ada, far]) t.same(await client.heard('room:1', 'gap'), [1, 2, 3, 'gap'])
  const back = await nodes[1].client(t, 'back')
  const joined = await back.join('room:1', since)
  t.match(joined, { recovered: false, replayed: 0 })
  t.ok(joined.eventId !== null && joined.eventId.split('-')[0] !== since?.split('-')[0], 'it is another epoch')
  t.equal(await ada.say('room:1', 4), null)
  for (const client of [ada, far]) t.same(await client.heard('room:1', 4), [1, 2, 3, 'gap', 4])
  t.same(await back.heard('room:1', 4), [4])
  for (const { app } of nodes) t.match(app.wsStats().history, { broken: 1 })
  t.equal(nodes[1].app.wsStats().history.unrecovered, 1)
}

async function pastHistory (t: Test, startBroker: StartBroker): Promise<void> {
  const ground = await startGround(t, startBroker)
  const { nodes, ada, far } = await pairOf(t, ground, { history: { size: 5, ttl: 60_000 } })
  for (const client of [ada, far]) await client.join('room:1')
  t.equal(await ada.say('room:1', 1), null)
  await far.heard('room:1', 1)
  const since = far.lastEventId('room:1')
  far.drop()
  for (let n = 2; n <= 200; n++) t.equal(await ada.say('room:1', n), null)
  const back = await nodes[1].client(t, 'back')
  const joined = await back.join('room:1', since)
  t.match(joined, { recovered: false, replayed: 0 })
  t.equal(joined.eventId, await ada.heard('room:1', 200).then(() => ada.lastEventId('room:1')))
  t.equal(await ada.say('room:1', 201), null)
  t.same(await back.heard('room:1', 201), [201])
}

/** Kills a process in the midst of many messages, again and again; holds what others got against what its client was told. */
async function midPublish (t: Test, startBroker: StartBroker, room: string): Promise<void> {
  const ground = await startGround(t, startBroker)
  const history = { size: 10_000, ttl: 600_000 }
  const node = await ClusterNode.start(t, ground.open, { history })
  const server = new ClusterServer(t, { carrier: ground.carrier, history, adapterTimeout: 5_000 }, ground.launch)
  const [near, far] = [await node.client(t, 'near'), await node.client(t, 'far')]
  const { eventId } = await near.join(room)
  const taken: number[] = []
  const firsts = [10_000, 20_000, 30_000]
  for (const [round, first] of firsts.entries()) {
    await server.start()
    const ada = await Speaker.connect(t, Number(server.port), `ada ${round}`)
    const said = Array.from({ length: 1_000 }, (_, index) => ada.say(room, first + index).then(code => { if (code === null) taken.push(first + index) }))
    await said[20 * round]
    await server.kill('SIGKILL')
    await near.heard(room, first)
    t.equal(await far.say(room, first + 9_000), null)
    await near.heard(room, first + 9_000)
  }
  const got = near.numbers(room)
  for (const first of firsts) {
    const ofRound = got.filter(n => typeof n === 'number' && n >= first && n < first + 9_000)
    t.same(ofRound, Array.from({ length: ofRound.length }, (_, index) => first + index), 'what has come is the beginning of what was sent, whole, once and in order')
  }
  if (eventId === null) return
  t.same(taken.filter(n => !got.includes(n)), [], 'all that was taken has come')
  const late = await node.client(t, 'late')
  t.match(await late.join(room, eventId), { recovered: true })
  t.same(late.numbers(room), got, 'who comes later is replayed the same')
}
