import t from 'tap'
import { memoryAdapter, MemoryHub } from '../../lib/index.ts'
import { buildApp } from '../helpers/app.ts'
import { pairedRoute, received } from '../helpers/pairs.ts'
import { adapterContract } from './adapter-contract.ts'

adapterContract('memory', () => {
  const hub = new MemoryHub()
  return () => memoryAdapter(hub)
})

t.test('servers that share no hub share no rooms', async t => {
  for (const adapter of [undefined, () => memoryAdapter()]) {
    const [one, two] = [await buildApp(t, { adapter: adapter?.() }), await buildApp(t, { adapter: adapter?.() })]
    const pair = await pairedRoute(two)()
    await Promise.all([one.ready(), pair.connection.join('a')])
    await one.room('a').send('hello')
    t.same(await received(pair), [])
  }
})

t.test('a failure on one server of a hub does not reach the publisher', async t => {
  const hub = new MemoryHub()
  const [one, two] = [await buildApp(t, { adapter: memoryAdapter(hub) }), await buildApp(t, { adapter: memoryAdapter(hub) })]
  const raw = await pairedRoute(two, '/', { codec: 'raw' })()
  await Promise.all([one.ready(), raw.connection.join('a')])
  await one.room('a').send({ text: 'no raw member can have this' })
  t.same(await received(raw), [])
})
