import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { setTimeout as delay } from 'node:timers/promises'
import { Type } from '@sinclair/typebox'
import { LogController } from 'fastify'
import type { FastifyInstance, FastifyRequest, FastifyServerOptions } from 'fastify'
import t from 'tap'
import type { Test } from 'tap'
import type { WsPluginOptions } from '../../types/index.ts'
import { buildApp, listen, logLines } from '../helpers/app.ts'
import { close, frame, text } from '../helpers/bytes.ts'
import { keepAlive } from '../helpers/keep-alive.ts'
import { RawClient } from '../helpers/raw-client.ts'

type Line = Record<string, unknown>

const info = 30

t.before(() => keepAlive(t))

/** Settles when so many connections have ended, and have had their line if they have one. */
function ended (t: Test, count = 1): Promise<void> {
  return new Promise(resolve => {
    let left = count
    const listener = (): void => { if (--left === 0) resolve() }
    subscribe('fastify-typed-ws:close', listener)
    t.after(() => unsubscribe('fastify-typed-ws:close', listener))
  })
}

async function logged (t: Test, options: WsPluginOptions = {}, server: FastifyServerOptions = {}, logger: object = {}): Promise<{ app: FastifyInstance, lines: Line[] }> {
  const { lines, stream } = logLines()
  return { app: await buildApp(t, options, { logger: { ...logger, stream }, ...server }), lines }
}

function completions (lines: readonly Line[]): Line[] {
  return lines.filter(({ msg }) => msg === 'WebSocket closed')
}

t.test('a connection has one line at its end: with the id of its request, and all that is known of it', async t => {
  const { app, lines } = await logged(t)
  let id = ''
  app.ws('/', { onOpen (connection) { id = connection.id } }, message => message)
  const over = ended(t)
  const client = await RawClient.open(await listen(app), '/')
  client.send('six')
  await client.message()
  await client.close(4000, 'enough')
  await over

  const [{ level, time, pid, hostname, reqId, ...line }, ...others] = completions(lines)
  t.same(others, [])
  t.equal(level, info)
  t.equal(reqId, lines.find(({ msg }) => msg === 'incoming request')?.reqId)
  t.match(line, { duration: Number })
  t.same({ ...line, duration: 0 }, {
    connection: id,
    code: 4000,
    reason: 'enough',
    wasClean: true,
    closedBy: 'client',
    duration: 0,
    // A masked message of 5 bytes and a close frame of 8; the same, unmasked and without a reason.
    received: { messages: 1, bytes: 6 + 5 + 6 + 8 },
    sent: { messages: 1, bytes: 2 + 5 + 2 + 2 },
    msg: 'WebSocket closed'
  })
})

t.test('each connection has a line of its own, that of its request', async t => {
  const { app, lines } = await logged(t)
  app.ws('/', message => message)
  const over = ended(t, 3)
  const port = await listen(app)
  const clients = await Promise.all([0, 1, 2].map(() => RawClient.open(port, '/')))
  await Promise.all(clients.map((client, index) => client.close(4000 + index)))
  await over
  const requests = lines.filter(({ msg }) => msg === 'incoming request').map(({ reqId }) => reqId)
  t.equal(new Set(requests).size, 3)
  t.same(completions(lines).map(({ reqId }) => reqId).sort(), requests.sort())
})

interface End {
  readonly by: 'client' | 'server' | 'network'
  readonly code: number
  readonly options?: WsPluginOptions
  /** Ends it. */
  readonly end: (client: RawClient, app: FastifyInstance) => unknown
}

const ends: Readonly<Record<string, End>> = {
  'the client closes': { by: 'client', code: 1000, end: client => client.close(1000) },
  'the client closes without a code': { by: 'client', code: 1005, end: client => client.close() },
  'the server closes': {
    by: 'server',
    code: 4001,
    async end (client, app) {
      for (const connection of app.wsConnections) connection.close(4001)
      await client.closeFrame()
      client.write(close(4001))
      client.socket.end()
    }
  },
  'the server terminates': {
    by: 'server',
    code: 1006,
    end: (_client, app) => { for (const connection of app.wsConnections) connection.terminate() }
  },
  'the server ends': {
    by: 'server',
    code: 1001,
    async end (client, app) {
      void app.close()
      await client.closeFrame()
      client.write(close(1001))
      client.socket.end()
    }
  },
  'the client violates the protocol': { by: 'server', code: 1002, end: client => client.socket.end(frame({ opcode: 3 })) },
  'the network resets': { by: 'network', code: 1006, end: client => client.reset() },
  'the client ends without a close frame': { by: 'network', code: 1006, end: client => client.socket.end() },
  'the client answers no ping': { by: 'network', code: 1006, options: { heartbeat: { interval: 40, timeout: 40 } }, end: () => {} }
}

for (const [title, { by, code, options, end }] of Object.entries(ends)) {
  t.test(`where ${title}, the line has code ${code} and closedBy '${by}', and no line is above info`, async t => {
    const { app, lines } = await logged(t, options)
    app.ws('/', message => message)
    const over = ended(t)
    const client = await RawClient.open(await listen(app), '/')
    await end(client, app)
    await over
    t.match(completions(lines), [{ level: info, code, closedBy: by, wasClean: by !== 'network' && code !== 1006 && code !== 1002 }])
    t.ok(lines.every(({ level }) => Number(level) <= info))
  })
}

t.test('the line comes after those of onClose, and counts what was sent until then', async t => {
  const { app, lines } = await logged(t)
  app.ws('/', {
    async onClose (connection) {
      await delay(20)
      connection.log.info('goodbye')
    }
  }, message => message)
  const over = ended(t)
  const client = await RawClient.open(await listen(app), '/')
  await client.close()
  await over
  t.same(lines.map(({ msg }) => msg).slice(-2), ['goodbye', 'WebSocket closed'])
})

const isQuiet = ({ url }: FastifyRequest): boolean => url === '/quiet'

class QuietController extends LogController {
  override isLogDisabled (request: FastifyRequest): boolean {
    return isQuiet(request)
  }
}

const silences: Readonly<Record<string, FastifyServerOptions>> = {
  'disableRequestLogging: true': { disableRequestLogging: true },
  'a function as disableRequestLogging': { disableRequestLogging: isQuiet },
  'a logController with disableRequestLogging': { logController: new LogController({ disableRequestLogging: true }) },
  'a logController of its own class': { logController: new QuietController() }
}

for (const [title, server] of Object.entries(silences)) {
  t.test(`with ${title}, a connection has no line, as its request has none`, async t => {
    const { app, lines } = await logged(t, {}, server)
    app.ws('/quiet', message => message)
    const over = ended(t)
    const client = await RawClient.open(await listen(app), '/quiet')
    await client.close()
    await over
    t.same(completions(lines), [])
    t.notOk(lines.some(({ msg }) => msg === 'incoming request' || msg === 'request completed'))
  })
}

t.test('what a function says of one request does not silence the connections of others', async t => {
  const { app, lines } = await logged(t, {}, { disableRequestLogging: isQuiet })
  app.ws('/quiet', message => message)
  app.ws('/logged', message => message)
  const over = ended(t, 2)
  const port = await listen(app)
  for (const path of ['/quiet', '/logged']) await (await RawClient.open(port, path)).close()
  await over
  t.equal(completions(lines).length, 1)
})

t.test("a route's logLevel of warn leaves the line out", async t => {
  const { app, lines } = await logged(t)
  app.ws('/', { logLevel: 'warn' }, message => message)
  const over = ended(t)
  await (await RawClient.open(await listen(app), '/')).close()
  await over
  t.same(completions(lines), [])
})

t.test('pino can redact the reason, which is what the client wrote, and a token in the URL', async t => {
  const censor = (value: unknown, path: readonly string[]): string =>
    path.join('.') === 'req.url' ? String(value).replace(/([?&]token=)[^&]*/g, '$1[redacted]') : '[redacted]'
  const { app, lines } = await logged(t, {}, {}, { redact: { paths: ['req.url', 'reason'], censor } })
  app.ws('/', message => message)
  const over = ended(t)
  const client = await RawClient.open(await listen(app), '/?room=1&token=hunter2')
  await client.close(4000, 'hunter2')
  await over
  t.match(lines.find(({ msg }) => msg === 'incoming request'), { req: { url: '/?room=1&token=[redacted]' } })
  t.match(completions(lines), [{ reason: '[redacted]' }])
  t.notMatch(JSON.stringify(lines), 'hunter2')
})

/** Stands in for what must not be in a log. */
const secret = 'sEcrEt'

function isError (err: unknown): err is { readonly message: string } {
  return typeof err === 'object' && err !== null && 'message' in err
}

function messageOf<const Name extends string> (type: Name) {
  const id = Type.Optional(Type.String())
  return Type.Object({ type: Type.Literal(type), id, text: Type.String({ maxLength: 100 }) }, { additionalProperties: false })
}

t.test('no line has anything of a message, valid or not, nor where handlers fail', async t => {
  const { app, lines } = await logged(t, {}, {}, { level: 'trace' })
  app.ws('/', { schema: { receive: Type.Union([messageOf('keep'), messageOf('answer'), messageOf('throw'), messageOf('reject'), messageOf('refuse')]) } }, {
    keep: () => {},
    answer: message => message,
    throw: () => { throw new Error('failed') },
    reject: () => Promise.reject(new Error('failed later')),
    refuse: () => { throw Object.assign(new Error('no'), { statusCode: 403 }) }
  })
  app.ws('/close', { onInvalid: 'close', schema: { receive: { type: 'integer' } } }, () => {})
  app.ws('/own', { onInvalid: error => { throw error }, schema: { receive: { type: 'integer' } } }, () => {})
  app.ws('/codec', { onInvalid: 'close', codec: { binary: false, decode: payload => JSON.parse(String(payload)), encode: JSON.stringify } }, () => {})

  const over = ended(t, 6)
  const port = await listen(app)
  const busy = await RawClient.open(port, '/')
  const messages = [
    ...['keep', 'answer', 'throw', 'reject', 'refuse', secret].map(type => JSON.stringify({ id: secret, type, text: secret })),
    JSON.stringify({ type: 'keep', text: secret.repeat(100) }),
    JSON.stringify({ type: 'keep', text: '', [secret]: 1 }),
    `{"type":"keep","text":"${secret}"`,
    `{"__proto__":"${secret}"}`,
    `"${secret}"`,
    secret
  ]
  for (const message of messages) busy.write(text(message))
  // All but the first have an answer.
  for (let left = messages.length - 1; left > 0; left--) await busy.message()
  await busy.close()

  for (const [path, payload] of [['/close', `"${secret}"`], ['/close', secret], ['/own', secret], ['/codec', secret]]) {
    const client = await RawClient.open(port, path)
    client.write(text(payload))
    await client.close()
  }
  const violator = await RawClient.open(port, '/')
  violator.write(Buffer.concat([text(`{"type":"keep","text":"${secret}"}`), frame({ opcode: 3, payload: secret })]))
  await violator.closeFrame()
  violator.socket.end()
  await over

  for (const message of ['failed', 'failed later', 'no']) t.ok(lines.some(({ err }) => isError(err) && err.message === message), message)
  t.ok(lines.some(({ msg }) => msg === 'onInvalid failed'))
  t.ok(lines.some(({ msg }) => msg === 'WebSocket protocol violated'))
  t.equal(completions(lines).length, 6)
  t.same(lines.filter(line => JSON.stringify(line).includes(secret)), [])
})
