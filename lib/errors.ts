import createError from '@fastify/error'

/** Errors of start-up: a mistake in the application, thrown by `register`, `app.ws` or `ready()`. */
export const FST_ERR_WS_ALREADY_REGISTERED = createError(
  'FST_ERR_WS_ALREADY_REGISTERED', 'fastify-typed-ws is already registered on this server')
export const FST_ERR_WS_CONFLICT = createError(
  'FST_ERR_WS_CONFLICT', '%s also handles upgrades on this server: register only one of the two')
export const FST_ERR_WS_OPTION = createError<[string, string]>(
  'FST_ERR_WS_OPTION', 'option %s: %s')
export const FST_ERR_WS_HANDLER = createError<[string, string]>(
  'FST_ERR_WS_HANDLER', 'handler of WebSocket route %s: %s')
export const FST_ERR_WS_SCHEMA = createError<[string, string, string]>(
  'FST_ERR_WS_SCHEMA', 'schema.%s of %s: %s')
export const FST_ERR_WS_HISTORY = createError<[string]>(
  'FST_ERR_WS_HISTORY', 'rooms %s are declared with history, and the adapter keeps none')
export const FST_ERR_WS_ADAPTER = createError<[string]>(
  'FST_ERR_WS_ADAPTER', 'adapter: %s')
export const FST_ERR_WS_ASYNCAPI = createError<[string]>(
  'FST_ERR_WS_ASYNCAPI', 'documents of fastify-typed-ws: %s')
export const FST_ERR_WS_METRICS = createError<[string]>(
  'FST_ERR_WS_METRICS', 'metrics of fastify-typed-ws: %s')

/** Errors of opening handshakes: they have a `statusCode` and go through the error handlers, as those of REST routes. */
export const FST_ERR_WS_UPGRADE_REQUIRED = createError(
  'FST_ERR_WS_UPGRADE_REQUIRED', 'this URL speaks WebSocket only', 426)
export const FST_ERR_WS_CONNECT_REQUIRED = createError(
  'FST_ERR_WS_CONNECT_REQUIRED', 'this URL speaks WebSocket only: over HTTP/2 it takes an extended CONNECT', 405)
export const FST_ERR_WS_VERSION = createError<[string]>(
  'FST_ERR_WS_VERSION', '%s', 426)
export const FST_ERR_WS_HANDSHAKE = createError<[string]>(
  'FST_ERR_WS_HANDSHAKE', '%s', 400)
export const FST_ERR_WS_ORIGIN = createError<[string]>(
  'FST_ERR_WS_ORIGIN', 'origin %s may not connect', 403)
/** These two capture no stack: they are what a flood of upgrades is answered with. */
export const FST_ERR_WS_CONNECTION_LIMIT = createError<[string]>(
  'FST_ERR_WS_CONNECTION_LIMIT', 'too many connections%s', 503, Error, false)
export const FST_ERR_WS_CLIENT_LIMIT = createError<[string]>(
  'FST_ERR_WS_CLIENT_LIMIT', 'too many connections of this %s', 429, Error, false)
export const FST_ERR_WS_EXPIRED = createError(
  'FST_ERR_WS_EXPIRED', 'the credentials have expired', 401)
export const FST_ERR_WS_HANDSHAKE_TIMEOUT = createError(
  'FST_ERR_WS_HANDSHAKE_TIMEOUT', 'the upgrade took longer than handshakeTimeout', 503)
export const FST_ERR_WS_CLOSING = createError(
  'FST_ERR_WS_CLOSING', 'the server is closing', 503)

/** What `fastify-typed-ws:upgrade` says of a client that nobody can reply to. */
export const FST_ERR_WS_ABORTED = createError(
  'FST_ERR_WS_ABORTED', 'the client went before it had a reply', 400)

/** Errors of messages received: answered with an error message, or with `closeCode` where the route says so. */
export const FST_ERR_WS_INVALID_JSON = invalid('FST_ERR_WS_INVALID_JSON', 1007)
export const FST_ERR_WS_UNSUPPORTED_DATA = invalid('FST_ERR_WS_UNSUPPORTED_DATA', 1003)
export const FST_ERR_WS_UNKNOWN_TYPE = invalid('FST_ERR_WS_UNKNOWN_TYPE', 1008)
export const FST_ERR_WS_INVALID_MESSAGE = invalid('FST_ERR_WS_INVALID_MESSAGE', 1008)
export const FST_ERR_WS_MESSAGE_TOO_BIG = invalid('FST_ERR_WS_MESSAGE_TOO_BIG', 1009)
export const FST_ERR_WS_RATE_LIMIT = invalid('FST_ERR_WS_RATE_LIMIT', 1008)

/** Errors of what the application sends or asks for: thrown where it does. */
export const FST_ERR_WS_SEND_INVALID = createError<[string]>(
  'FST_ERR_WS_SEND_INVALID', 'cannot send: %s', 500)
export const FST_ERR_WS_VALIDATOR_RESULT = createError(
  'FST_ERR_WS_VALIDATOR_RESULT', 'the validator answered neither a boolean, { value } nor { error }; it must be synchronous', 500)
export const FST_ERR_WS_CLOSE_CODE = createError<[unknown]>(
  'FST_ERR_WS_CLOSE_CODE', '%s is not a close code that may be sent: 1000-1003, 1007-1014 or 3000-4999', 500, RangeError)
export const FST_ERR_WS_CLOSE_REASON = createError(
  'FST_ERR_WS_CLOSE_REASON', 'a close reason is a string of at most 123 bytes of UTF-8', 500, RangeError)
export const FST_ERR_WS_CLOSED = createError(
  'FST_ERR_WS_CLOSED', 'the connection is closed', 500)
export const FST_ERR_WS_EXPIRES_AT = createError(
  'FST_ERR_WS_EXPIRES_AT', 'expiresAt is a valid Date, milliseconds since 1970, or null', 500, TypeError)
export const FST_ERR_WS_ROOM_LIMIT = createError<[number]>(
  'FST_ERR_WS_ROOM_LIMIT', 'a connection may be in %d rooms', 429)
export const FST_ERR_WS_ROOM_NAME = createError(
  'FST_ERR_WS_ROOM_NAME', 'a room name is a string of 1 to 256 characters, without lone surrogates', 500, TypeError)
export const FST_ERR_WS_ROOM_UNAVAILABLE = createError<[string]>(
  'FST_ERR_WS_ROOM_UNAVAILABLE', 'room unavailable: %s', 503)
export const FST_ERR_WS_ADAPTER_UNAVAILABLE = createError<[string]>(
  'FST_ERR_WS_ADAPTER_UNAVAILABLE', 'adapter unavailable: %s', 503)
export const FST_ERR_WS_ENVELOPE = createError<[string]>(
  'FST_ERR_WS_ENVELOPE', 'not an envelope: %s', 400, Error, false)
export const FST_ERR_WS_ROOM_PATTERN = createError<[unknown]>(
  'FST_ERR_WS_ROOM_PATTERN', '%s is not a room pattern: a name, or a prefix with * at its end', 500, TypeError)
export const FST_ERR_WS_ROOM_DECLARED = createError<[string]>(
  'FST_ERR_WS_ROOM_DECLARED', 'rooms %s are already declared')

/** Errors of `app.injectWS`. */
export const FST_ERR_WS_INJECT_REJECTED = createError<[number]>(
  'FST_ERR_WS_INJECT_REJECTED', 'the upgrade was answered with status %d')
export const FST_ERR_WS_INJECT_CLOSE = createError<[number, number, string]>(
  'FST_ERR_WS_INJECT_CLOSE', 'expected close code %d, got %d %s')

/** The peer's doing, as often as it likes: no stack is captured, so that it costs little. */
function invalid (code: string, closeCode: number) {
  const Base = createError<[string]>(code, '%s', 400, Error, false)
  return class InvalidMessage extends Base {
    readonly closeCode = closeCode
    readonly errors: readonly unknown[]

    constructor (message: string, errors: readonly unknown[] = []) {
      super(message)
      this.errors = errors
    }
  }
}
