import type { Test } from 'tap'
import { RawClient } from '../../helpers/raw-client.ts'
import type { HttpReply } from '../../helpers/raw-client.ts'
import { suiteNeeding } from '../../helpers/requirements.ts'
import { ws } from '../peers.ts'
import { behind, refusal } from './proxied-app.ts'
import type { Proxied } from './proxied-app.ts'
import type { ProxyKind } from './proxies.ts'

for (const kind of ['nginx', 'haproxy'] as const) {
  suiteNeeding([kind], `through ${kind}`, async (t, programs) => {
    suite(t, kind, programs[kind])
  })
}

function suite (t: Test, kind: ProxyKind, program: string): void {
  t.test('messages pass both ways', async t => {
    const { proxy } = await behind(t, kind, program)
    const client = await ws.open(`${proxy.url}/echo`)
    for (let i = 0; i < 100; i++) client.send(`message ${i}`)
    for (let i = 0; i < 100; i++) t.equal(await client.receive(), `message ${i}`)
    await client.close(1000, '')
  })

  t.test('messages of a mebibyte pass both ways', async t => {
    const { proxy } = await behind(t, kind, program)
    const client = await ws.open(`${proxy.url}/echo`)
    const text = 'ü'.repeat(512 * 1024)
    client.send(text)
    t.ok(await client.receive() === text, 'text')
    const binary = Buffer.alloc(1024 * 1024, 'abcdefghijklm')
    client.send(binary)
    t.ok(binary.equals(Buffer.from(await client.receive())), 'binary')
    await client.close(1000, '')
  })

  t.test('compressed messages pass both ways', async t => {
    const { proxy } = await behind(t, kind, program, { perMessageDeflate: true })
    const client = await ws.open(`${proxy.url}/echo`)
    t.match(client.extensions, 'permessage-deflate')
    for (const size of [10, 10_000, 1024 * 1024]) {
      client.send('x'.repeat(size))
      t.ok(await client.receive() === 'x'.repeat(size), `${size} characters`)
    }
    await client.close(1000, '')
  })

  t.test('the subprotocol is negotiated', async t => {
    const { proxy, connection } = await behind(t, kind, program)
    const client = await ws.open(`${proxy.url}/echo`, ['unknown', 'superchat'])
    t.same([client.protocol, connection().protocol], ['superchat', 'superchat'])
    await client.close(1000, '')
  })

  t.test("the client's close code and reason arrive", async t => {
    const { proxy, ends, emptied } = await behind(t, kind, program)
    const client = await ws.open(`${proxy.url}/echo`)
    t.same(await client.close(4001, 'from the client'), { code: 4001, reason: '' })
    await emptied()
    t.match(ends, [{ code: 4001, reason: 'from the client', wasClean: true }])
  })

  t.test("the server's close code and reason arrive", async t => {
    const { proxy, connection, ends, emptied } = await behind(t, kind, program)
    const client = await ws.open(`${proxy.url}/echo`)
    connection().close(4002, 'from the server')
    t.same(await client.closed(), { code: 4002, reason: 'from the server' })
    await emptied()
    t.match(ends, [{ code: 4002, wasClean: true }])
  })

  t.test('a refused upgrade reaches the client whole, and its connection is freed', async t => {
    const { proxy, sockets } = await behind(t, kind, program)
    const { statusCode, body } = await request(proxy.port, '/private')
    t.equal(statusCode, 401)
    t.ok(body === refusal, `${body.length} characters of ${refusal.length}`)
    RawClient.dropAll()
    await sockets.open(0)
  })

  t.test('pages of the origin that the proxy is seen as may connect, others may not', async t => {
    const { proxy } = await behind(t, kind, program)
    t.equal(await statusFor(proxy, 'https://chat.example'), 101)
    t.equal(await statusFor(proxy, 'https://other.example'), 403)
    t.equal(await statusFor(proxy, 'http://chat.example'), 403, 'another scheme')
  })

  t.test('without trustProxy, what a proxy says of the origin does not count', async t => {
    const { proxy } = await behind(t, kind, program, { trustProxy: false })
    t.equal(await statusFor(proxy, 'https://chat.example'), 403)
  })

  t.test('a connection that the proxy finds idle for too long is forgotten', async t => {
    const { proxy, ends, emptied } = await behind(t, kind, program)
    const client = await ws.open(`${proxy.url}/impatient`)
    client.send('the last for long')
    t.equal(await client.receive(), 'the last for long')
    t.match(await client.closed(), { code: 1006 })
    await emptied()
    t.match(ends, [{ code: 1006, wasClean: false }])
  })
}

/** The status of an upgrade of a page of `origin`, to a server that the browser knows as `chat.example`. */
async function statusFor ({ port }: Proxied['proxy'], origin: string): Promise<number> {
  return (await request(port, '/echo', { Host: 'chat.example', Origin: origin })).statusCode
}

async function request (port: number, path: string, headers: Record<string, string> = {}): Promise<HttpReply> {
  const client = await RawClient.connect(port)
  client.request(path, { headers })
  return client.reply()
}
