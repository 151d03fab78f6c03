import { tracingChannel } from 'node:diagnostics_channel'
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { Registry } from 'prom-client'
import t from 'tap'
import { HandlerDuration } from '../../lib/metrics/handler-duration.ts'
import type { Connection, WsMessageEvent } from '../../types/index.ts'
import { buildApp } from '../helpers/app.ts'
import { Exposition } from '../helpers/exposition.ts'
import { buildMeasuredApp } from '../helpers/metrics.ts'

const channel = tracingChannel<string, WsMessageEvent>('fastify-typed-ws:message')
const connection: Connection = await openConnection()

/** An event as the server publishes it, before its handler has answered. */
function eventOf (instance: FastifyInstance, { route = '/', type = undefined }: Partial<Pick<WsMessageEvent, 'route' | 'type'>> = {}): WsMessageEvent {
  return { connection, instance, route, type, id: undefined, message: {} }
}

/** Publishes what the channels of a handler say, one after the other. */
function publish (event: WsMessageEvent, ...names: ReadonlyArray<'start' | 'end' | 'asyncStart' | 'asyncEnd' | 'error'>): void {
  for (const name of names) channel[name].publish(event)
}

const countName = 'ws_handler_duration_seconds_count'

async function counts (app: FastifyInstance): Promise<Record<string, number>> {
  return new Exposition((await app.inject('/metrics')).body).byLabel(countName)
}

t.test('a handler that answers at once is counted when it has returned, whether with a value or without', async t => {
  const app = await buildMeasuredApp(t)
  for (const result of [1, undefined]) {
    const event = eventOf(app)
    publish(event, 'start')
    t.same(await counts(app), result === 1 ? {} : { '/,': 1 })
    event.result = result
    publish(event, 'end')
  }
  t.same(await counts(app), { '/,': 2 })
})

t.test('a handler that answers a promise is counted when that has settled', async t => {
  const app = await buildMeasuredApp(t)
  const event = eventOf(app)
  publish(event, 'start', 'end')
  t.same(await counts(app), {})
  event.result = undefined
  publish(event, 'asyncStart', 'asyncEnd')
  t.same(await counts(app), { '/,': 1 })
})

t.test('a handler that throws or rejects is counted once', async t => {
  const app = await buildMeasuredApp(t)
  const thrown = eventOf(app)
  publish(thrown, 'start')
  thrown.error = new Error('no')
  publish(thrown, 'error', 'end')
  t.same(await counts(app), { '/,': 1 })
  publish(thrown, 'asyncStart', 'asyncEnd')
  t.same(await counts(app), { '/,': 1 })

  const rejected = eventOf(app)
  publish(rejected, 'start', 'end')
  rejected.error = new Error('no')
  publish(rejected, 'error', 'asyncStart', 'asyncEnd')
  t.same(await counts(app), { '/,': 2 })
})

t.test('handlers are told apart by route and type, which is empty where there is none', async t => {
  const app = await buildMeasuredApp(t)
  for (const labels of [{ route: '/a', type: 'join' }, { route: '/a', type: 'join' }, { route: '/b', type: 'join' }, { route: '/a', type: 7 }, { route: '/a' }]) {
    publish(Object.assign(eventOf(app, labels), { result: undefined }), 'start', 'end')
  }
  t.same(await counts(app), { '/a,join': 2, '/b,join': 1, '/a,7': 1, '/a,': 1 })
})

t.test('handlers of another server are not counted', async t => {
  const apps = [await buildMeasuredApp(t), await buildMeasuredApp(t)]
  publish(Object.assign(eventOf(apps[0]), { result: undefined }), 'start', 'end')
  t.same(await Promise.all(apps.map(counts)), [{ '/,': 1 }, {}])
})

t.test('a handler of a scope is one of its server', async t => {
  const app = await buildMeasuredApp(t)
  await app.register(async scope => {
    publish(Object.assign(eventOf(scope), { result: undefined }), 'start', 'end')
  })
  t.same(await counts(app), { '/,': 1 })
})

t.test('a handler that began before anybody listened is not counted', async t => {
  const app = await buildMeasuredApp(t)
  publish(Object.assign(eventOf(app), { result: undefined }), 'end')
  t.same(await counts(app), {})
})

t.test('the buckets are those of the option, and the duration is in seconds', async t => {
  const app = await buildApp(t)
  const duration = new HandlerDuration('duration', [0.001, 60], app.server)
  const register = new Registry()
  duration.start()
  t.after(() => duration.stop())
  const event = eventOf(app)
  publish(event, 'start')
  await delay(20)
  publish(Object.assign(event, { result: 1 }), 'end')
  register.registerMetric(duration.metric)
  const metrics = new Exposition(await register.metrics())
  const labels = { route: '/', type: '' }
  t.same(['0.001', '60', '+Inf'].map(le => metrics.value('duration_bucket', { ...labels, le })), [0, 1, 1])
  const seconds = metrics.value('duration_sum', labels)
  t.ok(seconds >= 0.015 && seconds < 60, `${seconds} s`)
})

t.test('nobody listens any more once the app is closed', async t => {
  const app = await buildMeasuredApp(t)
  await app.ready()
  t.ok(channel.start.hasSubscribers)
  await app.close()
  for (const name of ['start', 'end', 'asyncEnd'] as const) t.notOk(channel[name].hasSubscribers, name)
})

/** Whichever: nobody looks at it. */
async function openConnection (): Promise<Connection> {
  const app = await buildApp(t)
  const opened: Connection[] = []
  app.ws('/', { onOpen (connection) { opened.push(connection) } }, () => {})
  await app.injectWS('/')
  return opened[0]
}
