import { text } from '../helpers/bytes.ts'
import { hostile, upgradeBytes } from '../helpers/hostile.ts'
import { RawClient } from '../helpers/raw-client.ts'

/** Names that every object has, or that would change what it has. */
const inherited = ['__proto__', 'constructor', 'prototype', 'toString', 'toLocaleString', 'hasOwnProperty', 'isPrototypeOf', 'valueOf', '__defineGetter__', '__lookupSetter__']

const ignore = (): void => {}

/** An object with such a name as a key of its own. */
const own = <Value>(name: string, value: Value): Record<string, Value> => Object.fromEntries([[name, value]])

const offering = (header: string, value: string): { headers: Record<string, string> } => ({ headers: { [header]: value } })

/* Subprotocols. */

for (const name of inherited) {
  hostile(`the subprotocol ${name} is chosen by nobody who does not have it`, async (t, { port }) => {
    for (const path of ['/list', '/map', '/none']) {
      const client = await RawClient.connect(port)
      client.request(path, offering('Sec-WebSocket-Protocol', name))
      const { statusCode, headers } = await client.reply()
      t.same([statusCode, headers['sec-websocket-protocol']], [101, undefined], path)
      client.send('json')
      t.equal(await client.message(), 'json')
    }
  }, {
    routes: app => app
      .ws('/list', { subprotocols: ['chat'] }, message => message)
      .ws('/map', { codec: { chat: 'raw' } }, message => message)
      .ws('/none', message => message)
  })

  hostile(`the subprotocol ${name} is as good as any where the server has it, and chooses its codec`, async (t, { port }) => {
    for (const path of ['/list', '/map']) {
      const client = await RawClient.connect(port)
      client.request(path, offering('Sec-WebSocket-Protocol', `chat, ${name}`))
      t.equal((await client.reply()).headers['sec-websocket-protocol'], name, path)
      client.send('a')
      t.equal((await client.frame()).payload.toString(), '"a"', path)
    }
  }, {
    routes: app => app
      .ws('/list', { subprotocols: [name] }, message => message)
      .ws('/map', { codec: own(name, 'raw' as const) }, message => { if (message === '"a"') return message })
  })
}

hostile('such a subprotocol is not chosen by a function that answers what was not offered', async (t, { port }) => {
  const client = await RawClient.connect(port)
  client.request('/', offering('Sec-WebSocket-Protocol', 'chat'))
  const { statusCode, headers } = await client.reply()
  t.same([statusCode, headers['sec-websocket-protocol']], [101, undefined])
}, { routes: app => app.ws('/', { subprotocols: () => '__proto__' }, ignore) })

/* Extensions and headers. */

for (const perMessageDeflate of [false, true]) {
  hostile(`extensions and parameters by such names are declined, perMessageDeflate being ${perMessageDeflate}`, async (t, { reply }) => {
    for (const name of inherited) {
      for (const offer of [name, `${name}; ${name}`, `${name}; ${name}=15`, `permessage-deflate; ${name}`, `permessage-deflate; ${name}=15`, `x; ${name}="${name}"`]) {
        const { statusCode, headers } = await reply(upgradeBytes([`Sec-WebSocket-Extensions: ${offer}`]))
        t.same([statusCode, headers['sec-websocket-extensions']], [101, undefined], offer)
      }
    }
  }, { plugin: { perMessageDeflate } })
}

hostile('headers, cookies, a query and parameters by such names are no concern of the handshake', async (t, { port }) => {
  const names = inherited.flatMap(name => [`${name}: x`, `${name}: y`, `Cookie: ${name}=1`])
  const query = inherited.map(name => `${name}=1&${name}[${name}]=2`).join('&')
  for (const name of inherited) {
    const client = await RawClient.connect(port)
    client.write(upgradeBytes(names, { line: `GET /${name}?${query} HTTP/1.1` }))
    t.equal((await client.reply()).statusCode, 101)
    t.same(await client.message(), { name }, name)
  }
  t.notOk('x' in Object.prototype)
}, {
  routes: app => app.ws('/:name', {
    onOpen: (connection, request) => { connection.send({ name: (request.params as { name: string }).name }) }
  }, ignore)
})

/* Rooms. */

hostile('rooms by such names are rooms, and there are none before somebody joins', async (t, { app, port }) => {
  for (const name of inherited) t.notOk(app.rooms.has(name), name)
  t.equal([...app.rooms].length, 0)
  const here = await RawClient.open(port, '/')
  const elsewhere = await RawClient.open(port, '/')
  for (const name of inherited) {
    here.send({ join: name })
    await here.message()
    elsewhere.send({ join: 'lobby' })
    await elsewhere.message()
    t.equal(app.room(name).size, 1, name)
    await app.room(name).send({ in: name })
    t.same(await here.message(), { in: name })
    here.send({ leave: name })
    await here.message()
    t.notOk(app.rooms.has(name), name)
  }
  elsewhere.send({ join: 'lobby' })
  t.same(await elsewhere.message(), { rooms: ['lobby'] }, 'nothing came by another room')
}, {
  routes: app => app.ws('/', async (message, connection) => {
    const { join, leave } = message as { join?: string, leave?: string }
    if (join !== undefined) await connection.join(join)
    if (leave !== undefined) await connection.leave(leave)
    return { rooms: [...connection.rooms] }
  })
})

hostile('rooms by such names can be declared, and others are not', async (t, { app, port }) => {
  const client = await RawClient.open(port, '/')
  for (const name of inherited) {
    client.send(name)
    t.equal(await client.message(), name)
    await app.room(name).send({ text: name, secret: 1 })
    t.same(await client.message(), name === 'toString' ? { text: name } : { text: name, secret: 1 }, name)
  }
}, {
  routes: app => {
    app.rooms.declare('toString', { send: { type: 'object', properties: { text: { type: 'string' } } } })
    app.ws('/', async (message, connection) => { await connection.join(message as string); return message })
  }
})

/* Messages. */

const kinds = (property: string, literals: readonly string[]): object => ({
  anyOf: literals.map(literal => ({ type: 'object', required: [property], properties: own(property, { const: literal }) }))
})

hostile('a message of such a type is of an unknown one', async (t, { port }) => {
  const client = await RawClient.open(port, '/')
  for (const name of inherited) {
    client.send({ type: name, id: name })
    t.match(await client.message(), { type: 'error', id: name, code: 'FST_ERR_WS_UNKNOWN_TYPE' }, name)
  }
  for (const type of [null, true, 0, {}, [], ['say'], { toString: 'say' }]) {
    client.send({ type })
    t.match(await client.message(), { code: 'FST_ERR_WS_UNKNOWN_TYPE' }, JSON.stringify(type))
  }
}, { routes: app => app.ws('/', { schema: { receive: kinds('type', ['say']) } }, { say: () => 'said' } as never) })

hostile('a type by such a name has its handler where there is one', async (t, { port }) => {
  const client = await RawClient.open(port, '/')
  for (const name of inherited) {
    client.send({ type: name })
    t.equal(await client.message(), name)
  }
}, {
  routes: app => app.ws('/', { schema: { receive: kinds('type', inherited) } },
    Object.fromEntries(inherited.map(name => [name, () => name])) as never)
})

hostile('the property that tells messages apart is the message\'s own', async (t, { port }) => {
  const client = await RawClient.open(port, '/')
  client.send({})
  t.match(await client.message(), { code: 'FST_ERR_WS_UNKNOWN_TYPE', message: 'message/constructor is missing, expected one of "a"' })
  client.send({ constructor: 'a' })
  t.equal(await client.message(), 'a')
}, { routes: app => app.ws('/', { schema: { receive: kinds('constructor', ['a']) } }, { a: () => 'a' } as never) })

hostile('an id by such a name comes back as it was', async (t, { port }) => {
  const client = await RawClient.open(port, '/')
  for (const id of inherited) {
    client.send({ id })
    t.same(await client.message(), { got: true, id }, id)
  }
}, { routes: app => app.ws('/', () => ({ got: true })) })

hostile('keys that poison a prototype are refused wherever they stand and however they are written', async (t, { port }) => {
  const client = await RawClient.open(port, '/')
  const poison = [
    '{"__proto__":{"polluted":1}}', '{"a":{"__proto__":{"polluted":1}}}', '[[{"__proto__":null}]]', '{"\\u005f\\u005fproto\\u005f_":{"polluted":1}}',
    '{"__proto__"\t:{"polluted":1}}', '{"constructor":{"prototype":{"polluted":1}}}', '{"a":[{"constructor":{"prototype":1}}]}',
    '{"\\u0063onstructor":{"prototyp\\u0065":{"polluted":1}}}', '{"a":1,"a":{"__proto__":1}}'
  ]
  for (const json of poison) {
    client.send(null)
    t.equal(await client.message(), null)
    client.write(text(json))
    t.match(await client.message(), { code: 'FST_ERR_WS_INVALID_JSON' }, json)
  }
  t.notOk('polluted' in {})
}, { routes: (app, t) => app.ws('/', message => { if (message !== null) t.fail('not to be handled'); return message }) })

hostile('other keys of objects are keys like any', async (t, { port }) => {
  const client = await RawClient.open(port, '/')
  const harmless = inherited.filter(name => name !== '__proto__')
  for (const name of harmless) {
    client.send(own(name, 'x'))
    t.same(await client.message(), own(name, 'x'), name)
  }
  client.send({ a: '__proto__', then: 'x', toJSON: 'x' })
  t.same(await client.message(), { a: '__proto__', then: 'x', toJSON: 'x' })
}, { routes: app => app.ws('/', message => message) })
