import { AsyncLocalStorage } from 'node:async_hooks'
import { tracingChannel } from 'node:diagnostics_channel'
import { context, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { Attributes, Context, Span, SpanContext, TracerProvider } from '@opentelemetry/api'
import type { Connection, WsMessageEvent, WsUpgradeEvent } from 'fastify-typed-ws'

/**
 * Makes a span of each upgrade, and a trace of each message that is linked to the upgrade of its connection: that may last for
 * days, and nobody could read one trace of it. A span is active in its hooks or its handler, so that what these call is below it.
 * OpenTelemetry needs a context manager for that, such as the one that its NodeSDK sets up.
 *
 * @returns what ends it
 */
export function traceWebSockets (tracerProvider: TracerProvider): () => void {
  const tracer = tracerProvider.getTracer('fastify-typed-ws')
  const upgrades = tracingChannel<Context, WsUpgradeEvent>('fastify-typed-ws:upgrade')
  const messages = tracingChannel<Context, WsMessageEvent>('fastify-typed-ws:message')
  // By the event, which is the same object from start to end. What began before this was called has none.
  const spans = new WeakMap<WsUpgradeEvent | WsMessageEvent, Span>()
  const upgradeOf = new WeakMap<Connection, SpanContext>()

  const active = new ActiveContext()
  upgrades.start.bindStore(active, event => {
    const parent = propagation.extract(ROOT_CONTEXT, event.request.headers)
    const span = tracer.startSpan('GET', { kind: SpanKind.SERVER, attributes: ofRequest(event) }, parent)
    spans.set(event, span)
    return trace.setSpan(parent, span)
  })
  messages.start.bindStore(active, event => {
    const upgrade = upgradeOf.get(event.connection)
    const span = tracer.startSpan(`${operationOf(event)} ${event.route}`, {
      kind: SpanKind.CONSUMER,
      links: upgrade === undefined ? [] : [{ context: upgrade }],
      attributes: ofMessage(event)
    }, ROOT_CONTEXT)
    spans.set(event, span)
    return trace.setSpan(ROOT_CONTEXT, span)
  })

  const onUpgrade = {
    start: ignore,
    end: ignore,
    asyncStart: ignore,
    asyncEnd (event: WsUpgradeEvent) {
      const { connection, route, statusCode } = event
      const span = spans.get(event)
      if (span === undefined) return
      if (statusCode !== undefined) span.setAttribute('http.response.status_code', statusCode)
      // A status below 500 is the client's mistake: no error of the server.
      if (statusCode !== undefined && statusCode >= 500) fail(span, String(statusCode))
      if (connection !== undefined) {
        span.updateName(`GET ${route}`).setAttributes({ 'http.route': route, 'messaging.client.id': connection.id })
        upgradeOf.set(connection, span.spanContext())
      }
      span.end()
    },
    error (event: WsUpgradeEvent) { fail(spans.get(event), event.error) }
  }
  const onMessage = {
    start: ignore,
    // A handler that has answered a promise has neither yet.
    end (event: WsMessageEvent) { if ('result' in event || 'error' in event) spans.get(event)?.end() },
    asyncStart: ignore,
    asyncEnd (event: WsMessageEvent) { spans.get(event)?.end() },
    error (event: WsMessageEvent) { fail(spans.get(event), event.error) }
  }
  upgrades.subscribe(onUpgrade)
  messages.subscribe(onMessage)

  return () => {
    upgrades.unsubscribe(onUpgrade)
    messages.unsubscribe(onMessage)
    upgrades.start.unbindStore(active)
    messages.start.unbindStore(active)
  }
}

/** Channels of Node run what they trace in a store, and OpenTelemetry keeps its own to itself: this one is entered through its API. */
class ActiveContext extends AsyncLocalStorage<Context> {
  override run<Result, Args extends unknown[]> (value: Context, callback: (...args: Args) => Result, ...args: Args): Result {
    return context.with(value, callback, undefined, ...args)
  }
}

/** Without the query: a page that can't set headers may have put a token into it. */
function ofRequest ({ request }: WsUpgradeEvent): Attributes {
  const { headers, httpVersion, method = 'GET', socket, url = '/' } = request
  return {
    'http.request.method': method,
    'url.path': url.split('?', 1)[0],
    'url.scheme': 'encrypted' in socket ? 'wss' : 'ws',
    'network.protocol.name': 'http',
    'network.protocol.version': httpVersion,
    'network.peer.address': socket.remoteAddress,
    'user_agent.original': headers['user-agent']
  }
}

/** Without the message itself, which is the client's own affair. */
function ofMessage (event: WsMessageEvent): Attributes {
  const { connection, id, route } = event
  return {
    'messaging.system': 'websocket',
    'messaging.operation.name': operationOf(event),
    'messaging.operation.type': 'process',
    'messaging.destination.name': route,
    'messaging.client.id': connection.id,
    'messaging.message.id': id === undefined ? undefined : String(id)
  }
}

function operationOf ({ type }: WsMessageEvent): string {
  return type === undefined ? 'process' : String(type)
}

function fail (span: Span | undefined, error: unknown): void {
  if (span === undefined) return
  if (error instanceof Error) span.recordException(error)
  const { code, name } = Object(error) as { code?: unknown, name?: unknown }
  span.setAttribute('error.type', String(code ?? name ?? error))
  span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.message : String(error) })
}

function ignore (): void {}
