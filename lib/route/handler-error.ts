import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import type { ServerConnection } from '../connection/connection.ts'
import type { RouteContext } from '../connection/route-context.ts'
import { failedMessage, withId } from '../messages/error-message.ts'
import type { ErrorMessage } from '../messages/error-message.ts'
import type { MessageId } from '../messages/send-contract.ts'

type ErrorHandler = (...args: never[]) => unknown

/** What an error handler may want to know of the route. */
export interface RouteFacts {
  readonly url: string
  readonly config: unknown
}

/**
 * Gives the errors of message handlers to the application's error handler, the route's or else the instance's, as
 * Fastify does with those of REST handlers: `(error, request, reply)`. The upgrade request is long gone, so both are stand-ins:
 * `request` has `id`, `log`, `method`, `url`, `routeOptions`, `server` and `connection`; what `reply.send` is given becomes an error message.
 */
export function createErrorReporter (instance: FastifyInstance, errorHandler: ErrorHandler, facts: RouteFacts): RouteContext['onHandlerError'] {
  return async (error, connection, id) => {
    const log = new LogWitness(connection.log)
    const reply = new ErrorReply(instance, error, connection, id, log.logger, facts)
    try {
      const result: unknown = await Reflect.apply(errorHandler, instance, [error, reply.request, reply])
      if (result !== undefined && result !== reply && !reply.sent) reply.send(result)
    } catch (failure) {
      connection.log.error({ err: failure }, 'error handler failed')
    }
    if (!log.hasLogged) connection.log.error({ err: error }, 'WebSocket handler failed')
    return reply.message
  }
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
  message: ErrorMessage | null
  sent = false
  readonly #error: unknown
  readonly #id: MessageId | undefined

  constructor (server: FastifyInstance, error: unknown, connection: ServerConnection, id: MessageId | undefined, log: FastifyBaseLogger, facts: RouteFacts) {
    this.server = server
    this.log = log
    this.message = failedMessage(error, id)
    this.#error = error
    this.#id = id
    const { url, config } = facts
    this.request = { id: connection.id, log, method: 'GET', url, headers: {}, params: {}, query: {}, routeOptions: { url, method: 'GET', config }, server, connection }
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
    const isError = payload instanceof Error || payload === this.#error
    const base = failedMessage(isError ? payload : undefined, this.#id)
    if (isError) {
      this.message = base
    } else if (typeof payload === 'string') {
      this.message = { ...base, message: payload }
    } else if (typeof payload === 'object' && payload !== null) {
      this.message = { ...base, ...payload, ...withId(this.#id), type: 'error' }
    } else {
      this.message = base
    }
    return this
  }
}
