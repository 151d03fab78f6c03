import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import * as errors from '../lib/errors.ts'
import { violation } from '../lib/protocol/protocol-error.ts'
import { packageRoot } from './helpers/paths.ts'

/** One of each error, made with as many words as its message takes. */
const made = Object.entries(errors).map(([name, Kind]) => ({ name, error: Reflect.construct(Kind, ['one', 'two', 'three']) as Error & { code: string, statusCode?: number, closeCode?: number, errors?: unknown } }))

t.test('every error has its own name as code, and is an Error', async t => {
  t.ok(made.length > 20)
  for (const { name, error } of made) {
    t.equal(error.code, name)
    t.ok(error instanceof Error, name)
    t.match(name, /^FST_ERR_WS_[A-Z0-9_]+$/)
  }
})

t.test('no message of an error has a gap', async t => {
  for (const { name, error } of made) {
    t.ok(error.message.length > 0, name)
    t.notMatch(error.message, /%s|%d|undefined/, name)
  }
})

t.test('errors before the 101 say the status of the reply', async t => {
  const statuses = Object.fromEntries(made.map(({ name, error }) => [name, error.statusCode]))
  t.match(statuses, {
    FST_ERR_WS_UPGRADE_REQUIRED: 426,
    FST_ERR_WS_VERSION: 426,
    FST_ERR_WS_HANDSHAKE: 400,
    FST_ERR_WS_ORIGIN: 403,
    FST_ERR_WS_EXPIRED: 401,
    FST_ERR_WS_CONNECTION_LIMIT: 503,
    FST_ERR_WS_CLIENT_LIMIT: 429,
    FST_ERR_WS_HANDSHAKE_TIMEOUT: 503,
    FST_ERR_WS_CLOSING: 503
  })
})

t.test('errors of messages received say the close code, and whose mistake it was', async t => {
  const closeCodes = Object.fromEntries(made.filter(({ error }) => error.closeCode !== undefined).map(({ name, error }) => [name, [error.closeCode, error.statusCode]]))
  t.same(closeCodes, {
    FST_ERR_WS_INVALID_JSON: [1007, 400],
    FST_ERR_WS_UNSUPPORTED_DATA: [1003, 400],
    FST_ERR_WS_UNKNOWN_TYPE: [1008, 400],
    FST_ERR_WS_INVALID_MESSAGE: [1008, 400],
    FST_ERR_WS_MESSAGE_TOO_BIG: [1009, 400],
    FST_ERR_WS_RATE_LIMIT: [1008, 400]
  })
})

t.test('errors of messages received capture no stack, since a client may cause any number of them', async t => {
  const error = new errors.FST_ERR_WS_INVALID_MESSAGE('no')
  t.notMatch(error.stack ?? '', /errors\.test/)
  t.same(error.errors, [])
  t.same(new errors.FST_ERR_WS_INVALID_MESSAGE('no', [1]).errors, [1])
})

t.test('errors of limits capture no stack, since a flood of upgrades is answered with them', async t => {
  for (const Kind of [errors.FST_ERR_WS_CONNECTION_LIMIT, errors.FST_ERR_WS_CLIENT_LIMIT]) t.notMatch(new Kind('one').stack ?? '', /errors\.test/)
})

t.test('errors of what the application sends or asks for are the server\'s', async t => {
  for (const Kind of [errors.FST_ERR_WS_SEND_INVALID, errors.FST_ERR_WS_CLOSE_CODE, errors.FST_ERR_WS_CLOSE_REASON, errors.FST_ERR_WS_CLOSED, errors.FST_ERR_WS_EXPIRES_AT, errors.FST_ERR_WS_VALIDATOR_RESULT]) {
    t.equal((Reflect.construct(Kind, ['a']) as { statusCode: number }).statusCode, 500)
  }
  t.equal(new errors.FST_ERR_WS_ROOM_LIMIT(2).statusCode, 429, 'but how many rooms it asks for is up to the client')
})

t.test('a message names what is wrong', async t => {
  t.equal(new errors.FST_ERR_WS_OPTION('concurrency', 'must be 1 or more').message, 'option concurrency: must be 1 or more')
  t.equal(new errors.FST_ERR_WS_ASYNCAPI('register it first').message, 'documents of fastify-typed-ws: register it first')
  t.equal(new errors.FST_ERR_WS_METRICS('register it first').message, 'metrics of fastify-typed-ws: register it first')
  t.equal(new errors.FST_ERR_WS_CLOSE_CODE(1005).message, '1005 is not a close code that may be sent: 1000-1003, 1007-1014 or 3000-4999')
  t.ok(new errors.FST_ERR_WS_CLOSE_CODE(1005) instanceof RangeError)
})

t.test('every code is a heading of docs/errors.md', async t => {
  const headings = readFileSync(join(packageRoot, 'docs/errors.md'), 'utf8').split('\n').filter(line => line.startsWith('#')).join('\n')
  const codes = [...made.map(({ name }) => name), ...Object.values(violation).map(make => make().code)]
  t.same(codes.filter(code => !new RegExp(`\\b${code}\\b`).test(headings)), [])
})
