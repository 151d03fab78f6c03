import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import type { HeartbeatNotice } from '../../types/notices.ts'
import type { WsRouteOptions } from '../../types/options.ts'
import { Compressions } from '../connection/compression.ts'
import { ServerConnection, timeOf } from '../connection/connection.ts'
import type { MessageHandler, RouteContext } from '../connection/route-context.ts'
import { isThenable } from '../connection/thenable.ts'
import { FST_ERR_WS_CLOSING, FST_ERR_WS_EXPIRED, FST_ERR_WS_HANDLER, FST_ERR_WS_OPTION, FST_ERR_WS_SCHEMA } from '../errors.ts'
import { Broadcast } from '../messages/broadcast.ts'
import { codecFor } from '../messages/codec.ts'
import { HandlersError, ReceiveContract, RepliesError } from '../messages/receive-contract.ts'
import type { Handlers, PayloadLimits, ReplyContracts } from '../messages/receive-contract.ts'
import { SendContract } from '../messages/send-contract.ts'
import { isObject } from '../messages/references.ts'
import { refusePluginOptions, resolveOptions } from '../options.ts'
import type { OwnOptions, ResolvedHeartbeat } from '../options.ts'
import { outside } from '../outside.ts'
import { agreeOnDeflate } from '../protocol/permessage-deflate.ts'
import { createAcceptHandler } from './accept-handler.ts'
import { ownCompilers } from './compilers.ts'
import type { MessageCompilers, OwnCompilers } from './compilers.ts'
import { constraintName, forWebSocket } from './constraint.ts'
import { describeRoute, documentUpgrade, urlOf } from './describe-route.ts'
import { createErrorReporter } from './handler-error.ts'
import { createHandshakeHook } from './handshake-hook.ts'
import { Admission, Occupancy } from './limits.ts'
import { openingOf } from './opening.ts'
import { compileOrigin } from './origin.ts'
import { requestLogging } from './request-logging.ts'
import { compileSubprotocols } from './subprotocol.ts'
import { messageOf } from './ws-server.ts'
import type { WsServer } from './ws-server.ts'

/** The options of a route as they come in: their types were checked where `app.ws` was called. */
export type AnyRouteOptions = WsRouteOptions<unknown, never, { receive?: unknown, send?: unknown, replies?: { readonly [literal: string]: unknown } }, unknown>

type OnOpen = (this: unknown, connection: ServerConnection, request: FastifyRequest) => unknown

/**
 * Declares a WebSocket route on `instance`: a GET route of Fastify, so that everything of REST routes holds for it,
 * whose handler switches protocols.
 *
 * @throws FST_ERR_WS_OPTION, FST_ERR_WS_HANDLER
 */
export function declareRoute (server: WsServer, instance: FastifyInstance, url: string, options: AnyRouteOptions, handlers: Handlers<MessageHandler>): void {
  checkHandlers(url, options, handlers)
  refusePluginOptions(options)
  const { schema, onOpen = null, onClose = null, onExpiring = null, ...others } = options
  const { rest, own } = split(others)
  const resolved = resolveOptions(own, server.options.route)
  const codecs = server.codecs.select(resolved.codec)
  const chooseSubprotocol = compileSubprotocols(resolved.subprotocols, codecs)

  const compressions = resolved.deflate === null ? null : new Compressions(resolved.deflate, resolved.maxPayload)
  const heartbeat = resolved.heartbeat === null ? null : server.heartbeats.of(resolved.heartbeat.interval, resolved.heartbeat.timeout)
  const heartbeatNotice = resolved.heartbeat === null ? null : noticeOf(resolved.heartbeat)
  const rates = server.rates.of(resolved.limits)

  let compilersSet: OwnCompilers | null = null
  instance.after(() => { compilersSet = ownCompilers(instance, rest) })

  const fullUrl = urlOf(instance.prefix, url, rest.prefixTrailingSlash)
  const described = describeRoute({
    instance,
    url: fullUrl,
    schema,
    config: rest.config,
    constraints: rest.constraints,
    options: resolved,
    tellsExpiry: onExpiring !== null,
    rooms: server.rooms
  })

  const isLogged = requestLogging(instance)
  let context: RouteContext | null = null
  instance.addHook('onReady', async () => {
    const compilers = server.compilers.of(instance, compilersSet ?? ownCompilers(instance, rest))
    context = {
      instance,
      url: fullUrl,
      receives: compileReceive(fullUrl, schema?.receive, handlers, compilers, resolved.payloadLimits, compileReplies(fullUrl, schema?.replies, compilers)),
      sends: schema?.send === undefined ? SendContract.undeclared : compileSend(fullUrl, 'send', schema.send, compilers),
      membership: server.rooms,
      onClose: onClose as RouteContext['onClose'],
      onExpiring: onExpiring as RouteContext['onExpiring'],
      onInvalid: resolved.onInvalid,
      onHandlerError: createErrorReporter(instance, rest.errorHandler, { url: fullUrl, config: rest.config }),
      onGone: server.connections.delete,
      maxPayload: resolved.maxPayload,
      concurrency: resolved.concurrency,
      highWaterMark: resolved.highWaterMark,
      closeTimeout: resolved.closeTimeout,
      slowConsumer: resolved.slowConsumer,
      sendBudget: resolved.sendBudget,
      heartbeat,
      heartbeatNotice,
      idleTimeout: resolved.idleTimeout,
      maxLifetime: resolved.maxLifetime,
      expiryWarning: resolved.expiryWarning,
      agenda: server.agenda,
      limits: resolved.limits,
      rates,
      budget: server.budget,
      counters: server.counters
    }
    documentUpgrade(instance, described)
  })

  /** The last `onSend` hook. Fastify is not called back once protocols are switched: the socket is no longer its. */
  function switchProtocols (request: FastifyRequest, reply: FastifyReply, payload: unknown, done: (error: Error | null, payload?: unknown) => void): void {
    const opening = openingOf(request.raw)
    if (opening === null || !opening.isLetThrough || reply.statusCode !== opening.acceptStatus || opening.handshake === null || context === null) {
      done(null, payload)
      return
    }
    if (server.isClosing) {
      done(new FST_ERR_WS_CLOSING())
      return
    }
    const expiresAt = timeOf(request.wsExpiresAt)
    if (expiresAt !== null && expiresAt <= Date.now()) {
      done(new FST_ERR_WS_EXPIRED())
      return
    }
    const { protocols, extensions } = opening.handshake
    const protocol = chooseSubprotocol(protocols, request)
    if (!opening.isPending) {
      reply.hijack()
      return
    }
    const agreement = resolved.deflate === null ? null : agreeOnDeflate(extensions, resolved.deflate)
    const transport = opening.accept(protocol, agreement === null ? '' : agreement.header, reply.getHeaders())
    reply.hijack()
    const connection = new ServerConnection(transport, context, {
      id: server.connections.nextId(),
      log: request.log,
      protocol,
      codec: codecFor(codecs, protocol),
      compression: agreement === null || compressions === null ? null : compressions.of(agreement.parameters),
      key: opening.key,
      expiresAt,
      isLogged: isLogged(request)
    })
    server.counters.opened++
    server.connections.add(connection, opening.takePlace())
    opening.onConnection(connection, context.url)
    open(connection, onOpen as OnOpen | null, instance, request)
    const { head } = opening
    if (head !== null && head.length > 0) outside(() => connection.onData(head))
  }

  const admission = Admission.of(server.occupancy, Occupancy.of(resolved.connectionLimits, ' of this route'))
  const checkHandshake = createHandshakeHook(compileOrigin(resolved.origin), admission)
  instance.route({
    ...rest,
    method: 'GET',
    url,
    // The messages' schemas too: Fastify leaves them alone, and documentation tools see them.
    schema: described.operation as RouteOptions['schema'],
    exposeHeadRoute: false,
    constraints: { ...rest.constraints, [constraintName]: forWebSocket },
    onRequest: [checkHandshake, ...([] as unknown[]).concat(rest.onRequest ?? [])] as RouteOptions['onRequest'],
    onSend: [...([] as unknown[]).concat(rest.onSend ?? []), switchProtocols] as RouteOptions['onSend'],
    onError: [isNotLetThrough, ...([] as unknown[]).concat(rest.onError ?? [])] as RouteOptions['onError'],
    handler: createAcceptHandler(resolved.limitKey, instance)
  })
  server.routes.push(described)
}

/** What an `onSend` hook fails with is not accepted, whatever the error handler makes of it. */
function isNotLetThrough (request: FastifyRequest, reply: FastifyReply, _error: Error, done: () => void): void {
  const opening = openingOf(request.raw)
  if (opening !== null && opening.isLetThrough) {
    opening.isLetThrough = false
    if (reply.statusCode === opening.acceptStatus) void reply.code(500)
  }
  done()
}

/** Runs `onOpen`; messages are handled once it is done. */
function open (connection: ServerConnection, onOpen: OnOpen | null, instance: FastifyInstance, request: FastifyRequest): void {
  if (onOpen === null) {
    connection.open(undefined)
    return
  }
  try {
    const data = onOpen.call(instance, connection, request)
    if (isThenable(data)) void openLater(connection, data)
    else connection.open(data)
  } catch (error) {
    abandon(connection, error)
  }
}

async function openLater (connection: ServerConnection, data: PromiseLike<unknown>): Promise<void> {
  try {
    connection.open(await data)
  } catch (error) {
    abandon(connection, error)
  }
}

function abandon (connection: ServerConnection, error: unknown): void {
  connection.log.error({ err: error }, 'onOpen failed')
  connection.abandon()
}

function checkHandlers (url: string, options: unknown, handlers: unknown): void {
  if (typeof url !== 'string') throw new FST_ERR_WS_HANDLER(String(url), 'the URL must be a string')
  if (typeof options !== 'object' || options === null) throw new FST_ERR_WS_HANDLER(url, 'options must be an object')
  if (typeof handlers === 'function') return
  if (typeof handlers !== 'object' || handlers === null) throw new FST_ERR_WS_HANDLER(url, 'must be a function, or an object of functions by message type')
  for (const [key, handler] of Object.entries(handlers)) {
    if (typeof handler !== 'function') throw new FST_ERR_WS_HANDLER(url, `${key} is not a function`)
  }
}

/** Parts the options of the connection from those of the REST route. */
function split (options: Omit<AnyRouteOptions, 'schema' | 'onOpen' | 'onClose' | 'onExpiring'>): { own: OwnOptions, rest: Partial<RouteOptions> } {
  const {
    maxPayload, origin, subprotocols, codec, onInvalid, concurrency, highWaterMark, closeTimeout, heartbeat, idleTimeout, maxLifetime, expiryWarning,
    limits, limitKey, perMessageDeflate, slowConsumer, budget, ...rest
  } = options
  return {
    own: {
      maxPayload,
      origin,
      subprotocols,
      codec,
      onInvalid,
      concurrency,
      highWaterMark,
      closeTimeout,
      heartbeat,
      idleTimeout,
      maxLifetime,
      expiryWarning,
      limits,
      limitKey,
      perMessageDeflate,
      slowConsumer,
      budget
    },
    rest: rest as Partial<RouteOptions>
  }
}

/** One for all clients of the route: it is encoded and framed once for each codec. */
function noticeOf ({ interval, notify }: ResolvedHeartbeat): Broadcast | null {
  const notice: HeartbeatNotice = { type: 'heartbeat', interval }
  return notify ? Broadcast.own(notice) : null
}

function compileReceive (
  url: string, schema: unknown, handlers: Handlers<MessageHandler>, compilers: MessageCompilers, payloadLimits: PayloadLimits, replies: ReplyContracts
): RouteContext['receives'] {
  try {
    return ReceiveContract.compile(schema, handlers, compilers.validator(schema, url), compilers.shared, payloadLimits, replies)
  } catch (error) {
    if (error instanceof FST_ERR_WS_OPTION) throw error
    if (error instanceof HandlersError) throw new FST_ERR_WS_HANDLER(url, error.message)
    if (error instanceof RepliesError) throw new FST_ERR_WS_SCHEMA('replies', `WebSocket route ${url}`, error.message)
    throw new FST_ERR_WS_SCHEMA('receive', `WebSocket route ${url}`, messageOf(error))
  }
}

function compileReplies (url: string, replies: unknown, compilers: MessageCompilers): ReplyContracts {
  const contracts = new Map<string, SendContract>()
  if (replies === undefined) return contracts
  if (!isObject(replies)) throw new FST_ERR_WS_SCHEMA('replies', `WebSocket route ${url}`, 'must be an object of schemas, by the literals of the messages')
  for (const [literal, schema] of Object.entries(replies)) contracts.set(literal, compileSend(url, `replies.${literal}`, schema, compilers))
  return contracts
}

/** @param name of the part of `schema` */
function compileSend (url: string, name: string, schema: unknown, compilers: MessageCompilers): SendContract {
  try {
    return SendContract.compile(schema, part => compilers.serializer(part, url), compilers.shared, `schema.${name}`)
  } catch (error) {
    throw new FST_ERR_WS_SCHEMA(name, `WebSocket route ${url}`, messageOf(error))
  }
}
