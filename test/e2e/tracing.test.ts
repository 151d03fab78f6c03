import { setImmediate as immediate } from 'node:timers/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { TextMapPropagator, TracerProvider } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { Type } from '@sinclair/typebox'
import t from 'tap'
import type { Test } from 'tap'
import { buildApp, deferred, listen } from '../helpers/app.ts'
import { packageRoot } from '../helpers/paths.ts'
import { RawClient } from '../helpers/raw-client.ts'

const { traceWebSockets }: { traceWebSockets: (provider: TracerProvider) => () => void } =
  await import(pathToFileURL(join(packageRoot, '.build/examples/observability/tracing.js')).href)

const schema = {
  receive: Type.Union([
    Type.Object({ type: Type.Literal('now') }),
    Type.Object({ type: Type.Literal('later') }),
    Type.Object({ type: Type.Literal('throw') }),
    Type.Object({ type: Type.Literal('reject') })
  ])
}

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())

/** The spans that have ended, and the tracer of an application; what is traced is so until the test ends. */
function traced (t: Test) {
  const exporter = new InMemorySpanExporter()
  const ended: Array<() => void> = []
  const provider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(exporter), {
      onStart: () => {},
      onEnd: () => { for (const tell of ended.splice(0)) tell() },
      forceFlush: async () => {},
      shutdown: async () => {}
    }]
  })
  const stop = traceWebSockets(provider)
  t.after(stop)
  return {
    stop,
    tracer: provider.getTracer('application'),
    /** Settles with all of them once there are so many. */
    async spans (count: number): Promise<ReadableSpan[]> {
      while (exporter.getFinishedSpans().length < count) {
        const { promise, resolve } = deferred()
        ended.push(resolve)
        await promise
      }
      return exporter.getFinishedSpans()
    }
  }
}

t.test('an upgrade is a span of the server, and each message a trace of its own that is linked to it', async t => {
  const { spans } = traced(t)
  const app = await buildApp(t)
  app.ws('/chat/:room', { schema }, { now: () => 'now', later: async () => { await immediate(); return 'later' }, throw: () => {}, reject: () => {} })
  const client = await RawClient.open(await listen(app), '/chat/one?token=secret', { headers: { 'User-Agent': 'a test' } })
  client.send({ type: 'now', id: 7 })
  t.equal(await client.message(), 'now')
  client.send({ type: 'later' })
  t.equal(await client.message(), 'later')

  const [upgrade, now, later, ...others] = await spans(3)
  t.same(others, [])
  t.same([upgrade.name, upgrade.kind, upgrade.status.code], ['GET /chat/:room', SpanKind.SERVER, SpanStatusCode.UNSET])
  t.match(upgrade.attributes, {
    'http.request.method': 'GET',
    'http.response.status_code': 101,
    'http.route': '/chat/:room',
    'network.peer.address': '127.0.0.1',
    'network.protocol.version': '1.1',
    'url.path': '/chat/one',
    'url.scheme': 'ws',
    'user_agent.original': 'a test'
  })
  t.notMatch(JSON.stringify([upgrade.name, upgrade.attributes]), 'secret')

  t.same([now.name, later.name], ['now /chat/:room', 'later /chat/:room'])
  for (const span of [now, later]) {
    t.equal(span.kind, SpanKind.CONSUMER)
    t.equal(span.parentSpanContext, undefined)
    t.same(span.links.map(link => link.context), [upgrade.spanContext()])
    t.not(span.spanContext().traceId, upgrade.spanContext().traceId)
    t.equal(span.status.code, SpanStatusCode.UNSET)
    t.match(span.attributes, { 'messaging.system': 'websocket', 'messaging.operation.type': 'process', 'messaging.destination.name': '/chat/:room' })
    t.equal(span.attributes['messaging.client.id'], upgrade.attributes['messaging.client.id'])
  }
  t.equal(now.attributes['messaging.message.id'], '7')
  t.notOk('messaging.message.id' in later.attributes && later.attributes['messaging.message.id'] !== undefined)
})

t.test('spans that a handler makes are below that of its message, and those of hooks below that of the upgrade', async t => {
  const { spans, tracer } = traced(t)
  const app = await buildApp(t)
  const opened = deferred()
  app.ws('/', {
    onRequest: async () => {
      await immediate()
      tracer.startSpan('session').end()
    },
    onOpen: async () => {
      await immediate()
      tracer.startSpan('profile').end()
      opened.resolve()
    },
    concurrency: 2
  }, async message => {
    tracer.startSpan(`before ${String(message)}`).end()
    await immediate()
    tracer.startSpan(`after ${String(message)}`, { attributes: { of: String(message) } }).end()
    // Which of the two messages it belongs to.
    trace.getActiveSpan()?.setAttribute('message', String(message))
  })
  const client = await RawClient.open(await listen(app), '/')
  await opened.promise
  client.send('a')
  client.send('b')
  const all = await spans(9)
  const parentOf = (name: string): string | undefined => all.find(span => span.name === name)?.parentSpanContext?.spanId
  const upgrade = all.find(({ name }) => name === 'GET /')
  t.equal(parentOf('session'), upgrade?.spanContext().spanId)
  t.equal(parentOf('profile'), upgrade?.spanContext().spanId)
  for (const message of ['a', 'b']) {
    const span = all.find(({ attributes }) => attributes.message === message)
    t.equal(span?.name, 'process /')
    t.equal(parentOf(`before ${message}`), span?.spanContext().spanId)
    t.equal(parentOf(`after ${message}`), span?.spanContext().spanId)
  }
})

t.test('a handler that throws or rejects makes its span an error, with the exception', async t => {
  const { spans } = traced(t)
  const app = await buildApp(t)
  const error = Object.assign(new Error('no such room'), { code: 'NO_ROOM' })
  app.ws('/', { schema }, { now: () => {}, later: () => {}, throw: () => { throw error }, reject: async () => { await immediate(); throw error } })
  const client = await RawClient.open(await listen(app), '/')
  client.send({ type: 'throw' })
  client.send({ type: 'reject' })
  const [, ...failed] = await spans(3)
  t.same(failed.map(({ name }) => name), ['throw /', 'reject /'])
  for (const span of failed) {
    t.same(span.status, { code: SpanStatusCode.ERROR, message: 'no such room' })
    t.equal(span.attributes['error.type'], 'NO_ROOM')
    t.same(span.events.map(({ name }) => name), ['exception'])
  }
})

t.test('an upgrade that is refused has its status, and is an error from 500 on, or where the client went', async t => {
  const { spans } = traced(t)
  const app = await buildApp(t)
  const arrived = deferred()
  app.ws('/401', { onRequest: async (_request, reply) => { await reply.code(401).send() } }, () => {})
  app.ws('/500', { onRequest: async () => { throw new Error('database') } }, () => {})
  app.ws('/gone', { onRequest: () => { arrived.resolve(); return new Promise<void>(() => {}) } }, () => {})
  const port = await listen(app)
  for (const path of ['/401', '/500', '/gone']) {
    const client = await RawClient.connect(port)
    client.request(path)
    if (path === '/gone') {
      await arrived.promise
      client.socket.destroy()
    } else {
      await client.reply()
    }
  }
  const [denied, broken, gone] = await spans(3)
  t.same([denied, broken, gone].map(({ name }) => name), ['GET', 'GET', 'GET'], 'names of unknown URLs would be without number')
  t.same([denied.attributes['http.response.status_code'], denied.status.code], [401, SpanStatusCode.UNSET])
  t.same([broken.attributes['http.response.status_code'], broken.status.code], [500, SpanStatusCode.ERROR])
  t.same([gone.attributes['error.type'], gone.status.code], ['FST_ERR_WS_ABORTED', SpanStatusCode.ERROR])
})

t.test('the upgrade is part of the trace that its request tells of', async t => {
  const { spans } = traced(t)
  const parent = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 }
  const propagator: TextMapPropagator = {
    inject () {},
    extract: (context, carrier, getter) => getter.get(carrier, 'traceparent') === undefined ? context : trace.setSpanContext(context, parent),
    fields: () => ['traceparent']
  }
  propagation.setGlobalPropagator(propagator)
  t.after(() => propagation.disable())
  const app = await buildApp(t)
  app.ws('/', () => {})
  await RawClient.open(await listen(app), '/', { headers: { traceparent: `00-${parent.traceId}-${parent.spanId}-01` } })
  const [upgrade] = await spans(1)
  t.match(upgrade.parentSpanContext, parent)
})

t.test('once it is stopped nothing is traced', async t => {
  const { spans, stop } = traced(t)
  const app = await buildApp(t)
  app.ws('/', () => 'answer')
  const client = await RawClient.open(await listen(app), '/')
  stop()
  client.send('ask')
  t.equal(await client.message(), 'answer')
  t.equal((await spans(1)).length, 1, 'the upgrade, which had ended')
})
