// app.injectWS, the client of tests.
import Fastify from 'fastify'
import typedWs from '../lib/index.ts'
import type { InjectedConnection } from '../lib/index.ts'
import { expectTypeOf } from './expect.tst.ts'

const app = Fastify()
await app.register(typedWs)

const client = await app.injectWS('/socket')
expectTypeOf(client).toBe<InjectedConnection>()
expectTypeOf(client.protocol).toBe<string>()

await app.injectWS('/socket', {
  headers: { origin: 'https://example.com', 'x-many': ['a', 'b'] },
  query: { name: 'alice' },
  protocols: ['v1'],
  chunkSize: 1,
  remoteAddress: '10.0.0.1'
})
await app.injectWS('/socket', { query: 'name=alice' })
// @ts-expect-error a size is a number
await app.injectWS('/socket', { chunkSize: 'small' })

client.send({ any: 'thing' })
expectTypeOf(await client.receive()).toBe<unknown>()
expectTypeOf(await client.receive<{ type: 'said' }>()).toBe<{ type: 'said' }>()
expectTypeOf(await client.ping('payload')).toBe<Buffer>()
expectTypeOf(await client.expectClose(1000)).toBe<{ code: number, reason: string }>()
expectTypeOf(client.close(1000, 'bye')).toBe<Promise<void>>()
client.write(Buffer.from('8100', 'hex'))
client.terminate()
// @ts-expect-error a code is a number
await client.expectClose('normal')
