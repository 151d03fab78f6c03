// Says how long it took until it listened, and ends: `node server.mjs 'fastify-typed-ws' 200`.
import { createRequire } from 'node:module'

const [name, count] = process.argv.slice(2)
// The plugin with the fastify that its own dependencies share modules with, as one installation has them.
const requireOwn = createRequire(new URL(name === 'fastify-typed-ws' ? '../../package.json' : '../package.json', import.meta.url))
const { default: Fastify } = await import(requireOwn.resolve('fastify'))

const receive = {
  anyOf: [
    { type: 'object', required: ['type', 'room', 'text'], properties: { type: { const: 'say' }, room: { type: 'string' }, text: { type: 'string', maxLength: 500 } } },
    { type: 'object', required: ['type', 'room'], properties: { type: { const: 'join' }, room: { type: 'string' } } }
  ]
}
const send = { type: 'object', required: ['type', 'room', 'text'], properties: { type: { const: 'said' }, room: { type: 'string' }, text: { type: 'string' } } }

const servers = {
  async 'fastify-typed-ws' (app, urls) {
    const { default: typedWs } = await import('../../dist/lib/index.js')
    await app.register(typedWs)
    for (const url of urls) {
      app.ws(url, { schema: { receive, send } }, { say: ({ room, text }) => ({ type: 'said', room, text }), join () {} })
    }
  },

  async '@fastify/websocket' (app, urls) {
    const [{ default: websocket }, { Ajv }] = await Promise.all([import('@fastify/websocket'), import('ajv')])
    await app.register(websocket)
    for (const url of urls) {
      // As each route has a schema of its own in an application.
      const validate = new Ajv().compile(receive)
      app.get(url, { websocket: true }, socket => {
        socket.on('message', payload => {
          const message = JSON.parse(payload)
          if (!validate(message)) socket.send(JSON.stringify({ type: 'error', errors: validate.errors }))
          else if (message.type === 'say') socket.send(JSON.stringify({ type: 'said', room: message.room, text: message.text }))
        })
      })
    }
  },

  async fastify (app, urls) {
    for (const url of urls) app.get(url, async () => 'hello')
  }
}

const app = Fastify()
await servers[name](app, Array.from({ length: Number(count) }, (_, index) => `/socket-${index}`))
await app.listen({ port: 0, host: '127.0.0.1' })

// The clock of `performance` begins with the process.
const wallMs = performance.now()
const { user, system } = process.cpuUsage()
console.log(JSON.stringify({ wallMs, cpuMs: (user + system) / 1000, rssMiB: process.memoryUsage.rss() / 1024 / 1024 }))
process.exit()
