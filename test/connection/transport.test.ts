import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import t from 'tap'
import type { Test } from 'tap'
import { StreamTransport } from '../../lib/connection/transport.ts'
import type { TransportOwner } from '../../lib/connection/transport.ts'
import { MemorySocket } from '../../lib/route/memory-socket.ts'

/** A transport on a TCP socket, and its peer. What it says is kept in `events`. */
async function pair (t: Test): Promise<{ transport: StreamTransport, socket: Socket, peer: Socket, events: string[] }> {
  const server = createServer({ allowHalfOpen: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const peer = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true })
  const [socket] = await once(server, 'connection') as [Socket]
  const events: string[] = []
  const owner: TransportOwner = {
    onData: chunk => { events.push(String(chunk)) },
    onEnd: () => { events.push('end') },
    onDrain: () => { events.push('drain') },
    onClose: () => { events.push('close') }
  }
  socket.on('error', () => {})
  peer.on('error', () => {})
  const transport = new StreamTransport(socket)
  transport.attach(owner)
  t.teardown(() => { socket.destroy(); peer.destroy(); server.close() })
  return { transport, socket, peer, events }
}

const immediate = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

t.test('its owner hears chunks, the end and the close, in this order', async t => {
  const { transport, socket, peer, events } = await pair(t)
  peer.end('abc')
  await once(socket, 'end')
  transport.end()
  await once(socket, 'close')
  t.same(events, ['abc', 'end', 'close'])
})

t.test('half open is possible: after the peer\'s end there still can be written', async t => {
  const { transport, socket, peer } = await pair(t)
  peer.end()
  await once(socket, 'end')
  transport.write(Buffer.from('late'))
  t.same(await once(peer, 'data'), [Buffer.from('late')])
})

t.test('two transports share no owner', async t => {
  const [a, b] = [await pair(t), await pair(t)]
  a.peer.write('a')
  b.peer.write('b')
  await Promise.all([once(a.socket, 'data'), once(b.socket, 'data')])
  t.same([a.events, b.events], [['a'], ['b']])
})

t.test('corked writes leave together at uncork', async t => {
  const { transport, peer } = await pair(t)
  transport.cork()
  transport.write(Buffer.from('a'))
  transport.write(Buffer.from('b'))
  t.equal(transport.bufferedAmount, 2)
  transport.uncork()
  t.same(await once(peer, 'data'), [Buffer.from('ab')])
})

t.test('afterWrites calls back when the operating system has everything', async t => {
  const { transport, peer } = await pair(t)
  peer.pause()
  transport.write(Buffer.alloc(20_000_000))
  t.ok(transport.bufferedAmount > 0)
  const written = new Promise<void>(resolve => transport.afterWrites(resolve))
  peer.resume()
  await written
  t.equal(transport.bufferedAmount, 0)
})

t.test('afterWrites calls back when that will never be', async t => {
  const { transport, peer } = await pair(t)
  peer.pause()
  transport.write(Buffer.alloc(20_000_000))
  const never = new Promise<void>(resolve => transport.afterWrites(resolve))
  transport.destroy()
  await never
  await new Promise<void>(resolve => transport.afterWrites(resolve))
})

t.test('afterWrites after the end does no harm to what is still being written', async t => {
  const { transport, socket, peer } = await pair(t)
  peer.pause()
  transport.write(Buffer.alloc(20_000_000))
  transport.end()
  await new Promise<void>(resolve => transport.afterWrites(resolve))
  t.notOk(socket.destroyed)
  let bytes = 0
  peer.on('data', chunk => { bytes += chunk.length }).resume()
  await once(peer, 'end')
  t.equal(bytes, 20_000_000)
})

t.test('nothing is read while it is paused', async t => {
  const { transport, socket, peer, events } = await pair(t)
  transport.pause()
  t.ok(socket.isPaused())
  peer.write('abc')
  while (socket.readableLength === 0) await immediate()
  t.same(events, [])
  transport.resume()
  await once(socket, 'data')
  t.same(events, ['abc'])
})

t.test('while it is paused it reads one chunk ahead, not as many small ones as fit', async t => {
  const { transport, socket, peer, events } = await pair(t)
  transport.pause()
  peer.write('a')
  while (socket.readableLength === 0) await immediate()
  for (let i = 0; i < 100; i++) {
    peer.write('b')
    await immediate()
  }
  t.equal(socket.readableLength, 1)
  transport.resume()
  while (events.join('').length < 101) await immediate()
  t.equal(events.join(''), `a${'b'.repeat(100)}`)
})

t.test('destroy drops both sides at once', async t => {
  const { transport, socket, peer, events } = await pair(t)
  transport.destroy()
  await once(socket, 'close')
  await once(peer.resume(), 'end')
  t.same(events, ['close'])
})

t.test('it is stuck while it holds more than it should, and its owner hears when it no longer does', async t => {
  const { transport, socket, peer, events } = await pair(t)
  peer.pause()
  t.notOk(transport.isStuck)
  transport.write(Buffer.alloc(20_000_000))
  t.ok(transport.isStuck)
  t.same(events, [])
  peer.resume()
  await once(socket, 'drain')
  t.notOk(transport.isStuck)
  t.same(events, ['drain'])
})

t.test('a large write that the operating system takes at once does not make it stuck', async t => {
  const { transport, peer } = await pair(t)
  peer.resume()
  transport.write(Buffer.alloc(100_000))
  t.equal(transport.bufferedAmount, 0)
  t.notOk(transport.isStuck)
})

t.test('a transport that is ended or gone is not stuck: nothing would follow', async t => {
  const { transport, peer } = await pair(t)
  peer.pause()
  transport.write(Buffer.alloc(20_000_000))
  transport.end()
  t.notOk(transport.isStuck)
  transport.destroy()
  t.notOk(transport.isStuck)
})

/* Whether memory that was written may be used again. */

t.test('a socket has taken all once the operating system has, and not before', async t => {
  const { transport, peer } = await pair(t)
  peer.pause()
  t.ok(transport.hasTakenAll)
  transport.write(Buffer.from('a'))
  t.ok(transport.hasTakenAll, 'a small write is taken at once')
  transport.cork()
  transport.write(Buffer.from('b'))
  t.notOk(transport.hasTakenAll, 'what is corked is yet to be read')
  transport.uncork()
  t.ok(transport.hasTakenAll)
  transport.write(Buffer.alloc(20_000_000))
  t.notOk(transport.hasTakenAll)
  const written = new Promise<void>(resolve => transport.afterWrites(resolve))
  peer.resume()
  await written
  t.ok(transport.hasTakenAll)
})

t.test('other streams never say so: they may hand the same memory on', async t => {
  const { client, server } = MemorySocket.pair(Infinity, '127.0.0.1')
  const through = new PassThrough()
  for (const stream of [server, client, through]) {
    const transport = new StreamTransport(stream)
    t.notOk(transport.hasTakenAll)
    transport.write(Buffer.from('a'))
    await new Promise<void>(resolve => transport.afterWrites(resolve))
    t.equal(transport.bufferedAmount, 0)
    t.notOk(transport.hasTakenAll)
    stream.destroy()
  }
})
