// Documents: options, and what is made of them.
import Fastify from 'fastify'
import asyncapi from '../lib/asyncapi/index.ts'
import type { AsyncApiDocument, AsyncApiOptions } from '../lib/asyncapi/index.ts'
import typedWs from '../lib/index.ts'
import { expectTypeOf } from './expect.tst.ts'

const app = Fastify()
await app.register(typedWs)
await app.register(asyncapi)
await app.register(asyncapi, {
  info: { title: 'Chat', version: '1.0.0', license: { name: 'MIT' } },
  servers: { production: { host: 'example.com' }, local: { host: 'localhost:3000', protocol: 'ws' } } as const,
  securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
  tags: [{ name: 'chat', description: 'Talk' }],
  path: false,
  yaml: false,
  hooks: { onRequest: [async (request, reply) => { if (request.ip === '') return reply.code(401) }] }
})

expectTypeOf(app.asyncapi()).toBe<AsyncApiDocument>()
expectTypeOf(app.wsRoutes[0].notices).toBe<ReadonlyArray<'error' | 'expiring' | 'heartbeat' | 'gap' | 'presence'>>()

// @ts-expect-error a WebSocket has no other protocols
const noProtocol: AsyncApiOptions = { servers: { production: { host: 'example.com', protocol: 'https' } } }
// @ts-expect-error no such option
const noOption: AsyncApiOptions = { url: '/asyncapi' }
// @ts-expect-error a tag has a name
const noTag: AsyncApiOptions = { tags: ['chat'] }
// @ts-expect-error routes are declared by `app.ws`
app.wsRoutes.push()
