import t from 'tap'
import type { Test } from 'tap'
import { Counters } from '../../lib/connection/counters.ts'
import { AdapterLink } from '../../lib/rooms/adapter-link.ts'
import type { Adapter, AdapterContext } from '../../types/index.ts'
import { buildApp, logLines } from '../helpers/app.ts'
import { published } from '../helpers/published.ts'

/** A link, the context that its adapter was given, and what it tells. */
async function link (t: Test, doing: Partial<Adapter> = {}): Promise<{ link: AdapterLink, context: AdapterContext, counters: Counters['adapter'], heard: unknown[], lines: () => unknown[] }> {
  const { lines, stream } = logLines()
  const app = await buildApp(t, {}, { logger: { stream } })
  const { adapter: counters } = new Counters()
  const heard: unknown[] = []
  let context: AdapterContext | null = null
  const adapter: Adapter = {
    async start (given) { context = given },
    async stop () { context?.onState('unavailable', new Error('the end')) },
    async publish () {},
    async subscribe () {},
    async unsubscribe () {},
    ...doing
  }
  const link = new AdapterLink('node-a', adapter, app, counters, {
    onEnvelope: (channel, { seq }) => { heard.push([channel, seq]) },
    onEvent: (channel, { offset }) => { heard.push([channel, offset]) },
    onState: state => { heard.push(state) }
  })
  await link.start()
  if (context === null) throw new Error('not started')
  return { link, context, counters, heard, lines: () => lines.map(({ level, msg }) => [level, msg]) }
}

const message = { kind: 'text', payload: 'x', except: [] } as const

t.test('what is published carries the process and a number that grows', async t => {
  const seen: unknown[] = []
  const { link: own, counters } = await link(t, { async publish (channel, envelope) { seen.push([channel, envelope]) } })
  await own.publish('=a', message)
  t.same(own.sign(message), { ...message, node: 'node-a', seq: 2 })
  await own.publish('=b', message)
  t.same(seen, [['=a', { ...message, node: 'node-a', seq: 1 }], ['=b', { ...message, node: 'node-a', seq: 3 }]])
  t.equal(counters.published, 2)
})

t.test('what the adapter brings is counted and handed on', async t => {
  const { context, counters, heard } = await link(t)
  context.onEnvelope('=a', { ...message, node: 'b', seq: 7 })
  context.onEvent('=a', { epoch: 'e', offset: 9, previous: 8, envelope: { ...message, kind: 'json', node: 'b', seq: 8 } })
  t.same(heard, [['=a', 7], ['=a', 9]])
  t.equal(counters.received, 2)
})

t.test('a loss is told once, whatever the adapter says how often, and so is the return', async t => {
  const events = published(t, 'adapter')
  const { link: own, context, counters, heard, lines } = await link(t)
  t.match(own, { state: 'ready', error: null })
  const error = new Error('ECONNREFUSED')
  context.onState('ready', null)
  context.onState('unavailable', error)
  context.onState('unavailable', new Error('again'))
  t.match(own, { state: 'unavailable', error })
  const { since } = own
  context.onState('ready', null)
  context.onState('ready', null)
  t.match(own, { state: 'ready', error: null })
  t.ok(own.since >= since)
  t.same(heard, ['unavailable', 'ready'])
  t.equal(counters.lost, 1)
  t.same(lines(), [[40, 'adapter is unavailable: rooms reach this process only'], [30, 'adapter is ready again']])
  t.match(events, [{ state: 'unavailable', error }, { state: 'ready', error: null }])
  t.ok(events.every(({ lasted, instance }) => typeof lasted === 'number' && lasted >= 0 && instance !== undefined))
})

t.test('what is not published is counted; it is in the log where it is a wonder', async t => {
  const { link: own, context, counters, lines } = await link(t, { publish () { throw new Error('thrown') } })
  await t.rejects(own.publish('=a', message), { message: 'thrown' })
  t.same(lines(), [[40, 'room message was not published']])
  context.onState('unavailable', null)
  await t.rejects(own.publish('=a', message))
  t.equal(counters.failed, 2)
  t.equal(lines().filter(line => String(line).includes('not published')).length, 1)
})

t.test('what is no envelope is counted, and in the log once', async t => {
  const { context, counters, lines } = await link(t)
  for (let count = 0; count < 3; count++) context.onRefused('=a', new Error('cut short'))
  t.equal(counters.refused, 3)
  t.equal(lines().length, 1)
})

t.test('a carrier that is left at the end is no loss', async t => {
  const { link: own, counters, heard, lines } = await link(t)
  await own.stop()
  t.same(heard, [])
  t.same(lines(), [])
  t.equal(counters.lost, 0)
})

t.test('an adapter may have no history, or null', async t => {
  t.equal((await link(t)).link.history, null)
  t.equal((await link(t, { history: null })).link.history, null)
})
