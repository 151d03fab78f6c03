import t from 'tap'
import type { FastifyInstance } from 'fastify'
import { buildApp, listen } from '../helpers/app.ts'
import { binary, close, continuation, text } from '../helpers/bytes.ts'
import { RawClient } from '../helpers/raw-client.ts'

/** An echo that keeps the order in which messages of all clients were handled, by the client's name. */
async function echo (app: FastifyInstance): Promise<{ port: number, handled: string[] }> {
  const handled: string[] = []
  app.ws('/', {
    codec: 'raw',
    onOpen: (_connection, request) => String(request.headers['x-name'])
  }, (message, connection) => {
    handled.push(String(connection.data))
    return message
  })
  return { port: await listen(app), handled }
}

const named = (name: string) => ({ headers: { 'X-Name': name } })

t.test('a client that sent thousands of messages at once does not keep another from being heard before they are handled', async t => {
  const { port, handled } = await echo(await buildApp(t))
  const flood = await RawClient.open(port, '/', named('flood'))
  const other = await RawClient.open(port, '/', named('other'))
  const count = 9_000
  flood.write(Buffer.concat(Array<Buffer>(count).fill(text(''))))
  await flood.frame()
  other.write(text('hello'))
  t.match(await other.frame(), { payload: Buffer.from('hello') })
  while (handled.length <= count) await new Promise(resolve => setImmediate(resolve))
  const at = handled.indexOf('other')
  t.ok(at < count, `it was heard after ${at} of ${count}`)
})

t.test('all of what a client sent at once is handled, in order', async t => {
  const { port } = await echo(await buildApp(t))
  const client = await RawClient.open(port, '/', named('flood'))
  const count = 3_000
  client.write(Buffer.concat(Array.from({ length: count }, (_, index) => text(String(index)))))
  const replies: string[] = []
  for (let i = 0; i < count; i++) {
    replies.push((await client.frame()).payload.toString())
  }
  t.same(replies, Array.from({ length: count }, (_, index) => String(index)))
})

t.test('a message in thousands of fragments is whole after several turns', async t => {
  const { port } = await echo(await buildApp(t))
  const client = await RawClient.open(port, '/', named('fragments'))
  const middle = Array<Buffer>(20_000).fill(continuation('x', { fin: false }))
  client.write(Buffer.concat([binary('<', { fin: false }), ...middle, continuation('>')]))
  const { payload } = await client.frame()
  t.equal(payload.toString(), `<${'x'.repeat(20_000)}>`)
})

t.test('a client that ends its side behind thousands of messages has all its replies, and its close is answered', async t => {
  const { port } = await echo(await buildApp(t))
  const client = await RawClient.open(port, '/', named('flood'))
  const count = 9_000
  client.write(Buffer.concat([...Array<Buffer>(count).fill(text('')), close(1000)]))
  client.socket.end()
  let replies = 0
  for (; replies < count; replies++) await client.frame()
  t.equal(replies, count)
  t.match(await client.closeFrame(), { code: 1000 })
  await client.ended()
})

t.test('a close behind thousands of messages is answered once they are handled', async t => {
  const { port, handled } = await echo(await buildApp(t))
  const client = await RawClient.open(port, '/', named('flood'))
  const count = 3_000
  client.write(Buffer.concat([...Array<Buffer>(count).fill(text('')), close(1000)]))
  for (let i = 0; i < count; i++) await client.frame()
  t.match(await client.closeFrame(), { code: 1000 })
  t.equal(handled.length, count)
})
