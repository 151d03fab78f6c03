import type { Test } from 'tap'
import { BrokerProxy } from './broker-proxy.ts'
import { ClusterNode } from './cluster-node.ts'
import { openAdapter } from './carriers.ts'
import { ClusterServer, launchScript } from './cluster-server.ts'
import { Island } from './island.ts'
import type { StartBroker } from './outages.ts'
import { Speaker } from './speaker.ts'

const unavailable = 'FST_ERR_WS_ROOM_UNAVAILABLE'

/** One process is cut off from the broker, with its clients; the others notice nothing. In a network of its own: see partition.test.ts. */
export async function partitionOf (t: Test, startBroker: StartBroker): Promise<void> {
  const island = new Island(t)
  const { carrier } = await startBroker(t, { isDurable: true })
  const proxy = await BrokerProxy.start(t, carrier.port, island.broker.here)
  const main = await ClusterNode.start(t, () => openAdapter(carrier))
  const settings = { carrier: { ...carrier, host: island.broker.here, port: proxy.port }, history: {}, adapterTimeout: 2_000, host: '0.0.0.0' }
  const lone = new ClusterServer(t, settings, (t, settings) => launchScript(t, settings, island.within))
  await lone.start()

  const connectThere = (name: string): Promise<Speaker> => Speaker.connect(t, Number(lone.port), name, island.clients.there)
  const [ada, bob, eve, fay] = await Promise.all([main.client(t, 'ada'), main.client(t, 'bob'), connectThere('eve'), connectThere('fay')])
  for (const client of [ada, bob, eve, fay]) for (const room of ['lobby', 'room:1']) await client.join(room)
  t.same([await ada.say('lobby', 1), await ada.say('room:1', 1)], [null, null])
  for (const client of [bob, fay]) for (const room of ['lobby', 'room:1']) await client.heard(room, 1)

  island.cut(island.broker)
  t.equal(await eve.say('room:1', 2), unavailable)
  t.equal(await eve.say('room:1', 3), unavailable)
  await eve.say('lobby', 2)
  t.same(await fay.heard('lobby', 2), [1, 2], 'rooms without history go on where they are')
  for (const n of [4, 5]) t.same([await ada.say('lobby', n), await ada.say('room:1', n)], [null, null])
  for (const room of ['lobby', 'room:1']) t.same(await bob.heard(room, 5), [1, 4, 5], 'the others notice nothing')

  island.mend(island.broker)
  const missed = await fay.heard('room:1', 5)
  t.same(missed.filter(n => n !== 2 && n !== 3), [1, 4, 5], 'what was missed comes as soon as the history is reached')
  let last = 6
  while (await eve.say('room:1', last) !== null) last++
  const all = await bob.heard('room:1', last)
  t.same(all.filter(n => n !== 2 && n !== 3), [1, 4, 5, last], 'what was refused while it was not known to be lost may have got there; the rest is')
  for (const client of [ada, eve, fay]) t.same(await client.heard('room:1', last), all, 'everybody has the same')

  t.equal(await ada.say('lobby', 7), null)
  const heard = await fay.heard('lobby', 7)
  t.ok([[1, 2, 7], [1, 2, 4, 5, 7]].some(each => JSON.stringify(each) === JSON.stringify(heard)), `what was sent on the other side is lost, or comes late where connections outlive the cut: ${heard}`)
  t.equal(await eve.say('lobby', 8), null)
  t.same(await bob.heard('lobby', 8), [1, 4, 5, 7, 8])
}
