// One server under test, in a process of its own: `fork('server.mjs', ['fastify-typed-ws' | '@fastify/websocket'])`.
import Fastify from 'fastify'
import { Ajv } from 'ajv'

const receive = {
  anyOf: [
    {
      type: 'object',
      required: ['type', 'room', 'text'],
      properties: { type: { const: 'say' }, room: { type: 'string' }, text: { type: 'string', maxLength: 500 } }
    },
    { type: 'object', required: ['type', 'room'], properties: { type: { const: 'join' }, room: { type: 'string' } } }
  ]
}
const send = {
  type: 'object',
  required: ['type', 'room', 'text'],
  properties: { type: { const: 'said' }, room: { type: 'string' }, text: { type: 'string' } }
}

const servers = {
  async 'fastify-typed-ws' (app) {
    const { default: typedWs } = await import('fastify-typed-ws')
    await app.register(typedWs)
    app.ws('/echo', { codec: 'raw' }, message => message)
    app.ws('/typed', { schema: { receive, send } }, {
      say: ({ room, text }) => ({ type: 'said', room, text }),
      join () {}
    })
  },

  /** The same work by hand: what its users write today. */
  async '@fastify/websocket' (app) {
    const { default: websocket } = await import('@fastify/websocket')
    const validate = new Ajv().compile(receive)
    await app.register(websocket)
    app.get('/echo', { websocket: true }, socket => {
      socket.on('message', (payload, isBinary) => socket.send(payload, { binary: isBinary }))
    })
    app.get('/typed', { websocket: true }, socket => {
      socket.on('message', payload => {
        const message = JSON.parse(payload)
        if (!validate(message)) socket.send(JSON.stringify({ type: 'error', errors: validate.errors }))
        else if (message.type === 'say') socket.send(JSON.stringify({ type: 'said', room: message.room, text: message.text }))
      })
    })
  }
}

const app = Fastify()
await servers[process.argv[2]](app)
await app.listen({ port: 0, host: '127.0.0.1' })
process.send({ port: app.server.address().port })
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send({ cpuSeconds: (user + system) / 1e6 })
})
