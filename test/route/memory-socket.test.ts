import { once } from 'node:events'
import t from 'tap'
import { MemorySocket } from '../../lib/route/memory-socket.ts'

/** All that an end reads until the other has ended. */
async function readAll (socket: MemorySocket): Promise<Buffer[]> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => { chunks.push(chunk) })
  await once(socket.resume(), 'end')
  return chunks
}

t.test('what is written to one end is read from the other, both ways', async t => {
  const { client, server } = MemorySocket.pair(Infinity, '127.0.0.1')
  client.end('to the server')
  server.end('to the client')
  t.equal(Buffer.concat(await readAll(server)).toString(), 'to the server')
  t.equal(Buffer.concat(await readAll(client)).toString(), 'to the client')
})

t.test('bytes arrive in chunks of at most the size asked for, in order', async t => {
  for (const size of [1, 2, 3, 7]) {
    const { client, server } = MemorySocket.pair(size, '127.0.0.1')
    const read: Buffer[] = []
    server.on('data', (chunk: Buffer) => { read.push(chunk) })
    client.write('hello ')
    client.end('world')
    await once(server, 'end')
    t.ok(read.every(chunk => chunk.length <= size))
    t.equal(Buffer.concat(read).toString(), 'hello world')
  }
})

t.test('a reader may change its bytes: the writer keeps its own', async t => {
  const { client, server } = MemorySocket.pair(Infinity, '127.0.0.1')
  const bytes = Buffer.from('shared')
  server.end(bytes)
  const [chunk] = await readAll(client)
  chunk.fill(0)
  t.equal(bytes.toString(), 'shared')
})

t.test('a reader that pauses slows the writer', async t => {
  const { client, server } = MemorySocket.pair(Infinity, '127.0.0.1')
  const size = 100 * 65_536
  let taken = 0
  for (let sent = 0; sent < size; sent += 65_536) client.write(Buffer.alloc(65_536), () => { taken += 65_536 })
  client.end()
  await once(server, 'readable')
  await new Promise(resolve => setImmediate(resolve))
  t.ok(taken < size / 2, 'most of it waits')
  t.ok(client.writableLength > 0)
  t.equal(Buffer.concat(await readAll(server)).length, size)
})

t.test('an end that ends may still read', async t => {
  const { client, server } = MemorySocket.pair(Infinity, '127.0.0.1')
  client.end('question')
  t.equal(Buffer.concat(await readAll(server)).toString(), 'question')
  server.end('answer')
  t.equal(Buffer.concat(await readAll(client)).toString(), 'answer')
})

t.test('what was written before both ends ended can still be read', async t => {
  const { client, server } = MemorySocket.pair(Infinity, '127.0.0.1')
  const closed = once(client, 'close')
  server.end('the last words')
  client.resume().end()
  client.pause()
  server.resume()
  await once(server, 'close')
  t.notOk(client.destroyed)
  t.equal(Buffer.concat(await readAll(client)).toString(), 'the last words')
  await closed
})

t.test('both ends close once both have ended and read', async t => {
  const { client, server } = MemorySocket.pair(Infinity, '127.0.0.1')
  const closed = Promise.all([once(client, 'close'), once(server, 'close')])
  client.resume().end()
  server.resume().end()
  await closed
  t.ok(client.destroyed && server.destroyed)
})

t.test('an end that is destroyed takes the other with it', async t => {
  const { client, server } = MemorySocket.pair(Infinity, '127.0.0.1')
  client.destroy()
  await once(server, 'close')
  t.ok(server.destroyed)
})

t.test('writing to an end whose peer is gone harms nobody', async t => {
  const { client, server } = MemorySocket.pair(1, '127.0.0.1')
  server.write('a long message in many chunks')
  client.destroy()
  server.write('more')
  await once(server, 'close')
  t.pass('closed')
})

t.test('it knows the address that it comes from', async t => {
  const { client, server } = MemorySocket.pair(1, '203.0.113.7')
  t.same([client.remoteAddress, server.remoteAddress], ['203.0.113.7', '203.0.113.7'])
})
