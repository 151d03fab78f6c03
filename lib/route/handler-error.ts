import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import type { ServerConnection } from '../connection/connection.ts'
import type { RouteContext } from '../connection/route-context.ts'
import { failedMessage, withId } from '../messages/error-message.ts'
import type { ErrorMessage } from '../../types/notices.ts'
import type { MessageId } from '../messages/send-contract.ts'

type ErrorHandler = (...args: never[]) => unknown

/** What an error handler may want to know of the route. */
export interface RouteFacts {
  readonly url: string
  readonly config: unknown
}

/**
 * Gives the errors of message handlers to the application's error handlers, the route's first and the outermost scope's last, as
 * Fastify does with those of REST handlers: `(error, request, reply)`. One that throws, or sends an Error, hands on to the next.
 *
 * The upgrade request is long gone, so both are stand-ins: `request` has `id`, `log`, `method`, `url`, `routeOptions`, `server` and
 * `connection`; what `reply.send` is given becomes an error message.
 */
export function createErrorReporter (instance: FastifyInstance, own: ErrorHandler | undefined, facts: RouteFacts): RouteContext['onHandlerError'] {
  const handlers = handlersOf(instance, own)
  return async (error, connection, id) => {
    const log = new LogWitness(connection.log)
    const reply = new ErrorReply(instance, connection, id, log.logger, facts)
    let current = error
    for (const handler of handlers) {
      const given = current
      try {
        const result: unknown = await Reflect.apply(handler, instance, [given, reply.request, reply.for(given)])
        if (result !== undefined && result !== reply && !reply.sent) reply.send(result)
        if (!reply.isHandedOn) break
        current = reply.handedOn
      } catch (failure) {
        current = failure
        // What it had sent, or withheld, before it failed counts.
        if (reply.sent && !reply.isHandedOn) break
      }
      if (current !== given) connection.log.error({ err: given }, 'WebSocket handler failed')
    }
    if (!log.hasLogged) connection.log.error({ err: current }, 'WebSocket handler failed')
    return reply.sent && !reply.isHandedOn ? reply.message : failedMessage(current, id, reply.errorStatus)
  }
}

/** The error handlers of a route, innermost first; a scope inherits from the one around it. */
function handlersOf (instance: FastifyInstance, own: ErrorHandler | undefined): ErrorHandler[] {
  const handlers = new Set<ErrorHandler>(own === undefined ? [] : [own])
  for (let scope: unknown = instance; typeof scope === 'object' && scope !== null; scope = Object.getPrototypeOf(scope)) {
    if ('errorHandler' in scope && typeof scope.errorHandler === 'function') handlers.add(scope.errorHandler as ErrorHandler)
  }
  return [...handlers]
}

/** Notices whether an error handler logged, so that every error is in the log once. */
class LogWitness {
  readonly logger: FastifyBaseLogger
  hasLogged = false

  constructor (log: FastifyBaseLogger) {
    this.logger = Object.create(log)
    for (const level of ['fatal', 'error', 'warn', 'info'] as const) {
      this.logger[level] = (...args: unknown[]) => {
        this.hasLogged = true
        Reflect.apply(log[level], log, args)
      }
    }
  }
}

/** What stands in for the reply: the part of Fastify's that makes sense without HTTP. */
class ErrorReply {
  readonly server: FastifyInstance
  readonly log: FastifyBaseLogger
  readonly request: object
  /** Fastify's default error handler sets the status here. */
  readonly raw = { statusCode: 200 }
  /** What the client is told; null for nothing. */
  message: ErrorMessage | null = null
  sent = false
  /** Whether an Error was sent: the next handler's turn. */
  isHandedOn = false
  handedOn: unknown = undefined
  /** The first status of an error that a handler chose. */
  errorStatus: number | undefined = undefined
  #error: unknown = undefined
  readonly #id: MessageId | undefined

  constructor (server: FastifyInstance, connection: ServerConnection, id: MessageId | undefined, log: FastifyBaseLogger, facts: RouteFacts) {
    this.server = server
    this.log = log
    this.#id = id
    const { url, config } = facts
    const raw = { method: 'GET', url, headers: {} }
    this.request = { id: connection.id, log, ...raw, raw, params: {}, query: {}, routeOptions: { url, method: 'GET', config }, server, connection }
  }

  /** For the next handler, which is given this error. */
  for (error: unknown): this {
    this.#error = error
    this.sent = false
    this.isHandedOn = false
    return this
  }

  get statusCode (): number {
    return this.raw.statusCode
  }

  set statusCode (code: number) {
    this.raw.statusCode = code
  }

  code (code: number): this {
    this.raw.statusCode = code
    return this
  }

  status (code: number): this {
    return this.code(code)
  }

  header (): this {
    return this
  }

  headers (): this {
    return this
  }

  type (): this {
    return this
  }

  /** Answers nothing. */
  hijack (): this {
    this.sent = true
    this.message = null
    return this
  }

  send (payload?: unknown): this {
    if (this.sent) return this
    this.sent = true
    // Whatever was thrown is an error, be it a string: passed on as it is, it is told to nobody.
    if (payload instanceof Error || payload === this.#error) {
      this.isHandedOn = true
      this.handedOn = payload
      if (this.raw.statusCode >= 400) this.errorStatus ??= this.raw.statusCode
      return this
    }
    const base = failedMessage(undefined, this.#id)
    if (typeof payload === 'string') {
      this.message = { ...base, message: payload }
    } else if (typeof payload === 'object' && payload !== null) {
      this.message = { ...base, ...payload, ...withId(this.#id), type: 'error' }
    } else {
      this.message = base
    }
    return this
  }
}
