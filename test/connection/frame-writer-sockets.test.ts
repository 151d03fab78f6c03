import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { connect as connectTls, createServer as createTlsServer } from 'node:tls'
import t from 'tap'
import type { Test } from 'tap'
import { FrameWriter } from '../../lib/connection/frame-writer.ts'
import { StreamTransport } from '../../lib/connection/transport.ts'
import { encodeMessage } from '../../lib/protocol/frame-encoder.ts'
import { selfSigned } from '../helpers/tls.ts'

/** A writer on a socket, whose peer does not read before it is told to. */
interface Pair {
  writer: FrameWriter
  transport: StreamTransport
  peer: Socket
  sent: Buffer[]
  send (payload: string | Buffer): void
}

/** How pairs are connected, by TCP or TLS. */
async function pairs (t: Test, kind: 'TCP' | 'TLS'): Promise<() => Promise<Pair>> {
  const server: Server = kind === 'TCP' ? createServer() : createTlsServer(selfSigned())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const options = { port: (server.address() as AddressInfo).port, host: '127.0.0.1', rejectUnauthorized: false }
  return async () => {
    const accepted = once(server, kind === 'TCP' ? 'connection' : 'secureConnection')
    const peer = (kind === 'TCP' ? connect(options) : connectTls(options)).pause()
    const [socket] = await accepted as [Socket]
    t.after(() => { socket.destroy(); peer.destroy() })
    const transport = new StreamTransport(socket)
    const writer = new FrameWriter({ onStuck: () => {} }, transport)
    const sent: Buffer[] = []
    const send = (payload: string | Buffer): void => {
      sent.push(encodeMessage(payload))
      writer.writeMessage(payload)
    }
    return { writer, transport, peer, sent, send }
  }
}

/** All that a peer gets, once it reads: as much as it was sent. */
async function received ({ peer, sent }: Pair): Promise<Buffer> {
  const all = sent.reduce((sum, frame) => sum + frame.length, 0)
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of peer as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes >= all) break
  }
  return Buffer.concat(chunks)
}

const tick = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

for (const kind of ['TCP', 'TLS'] as const) {
  t.test(`${kind}: whoever reads late gets every byte as it was sent, whatever others were sent meanwhile`, async t => {
    const open = await pairs(t, kind)
    const late = [await open(), await open(), await open()]
    const prompt = [await open(), await open()]
    for (const { peer } of prompt) peer.resume()
    // So much that the operating system takes no more.
    for (const pair of late) while (pair.transport.bufferedAmount === 0) { pair.send(Buffer.alloc(4_000_000, 1)); pair.writer.flush() }
    let kept = 0
    for (let round = 0; round < 400; round++) {
      for (const [index, pair] of late.entries()) {
        if ((round + index) % 3 === 0) pair.send(`late ${index} ${round} ${'x'.repeat(round)}`)
        if ((round + index) % 40 === 0) pair.send(Buffer.alloc(16_384 + round, round))
        if ((round + index) % 25 === 0) pair.send('€'.repeat(3000))
      }
      for (const pair of prompt) {
        for (let i = 0; i < 10; i++) pair.send(`prompt ${round} ${'y'.repeat(i * 40)}`)
        if (round % 2 === 0) pair.writer.flush()
      }
      if (round % 3 === 0) await tick()
    }
    await tick()
    for (const { transport } of late) if (!transport.hasTakenAll) kept++
    t.equal(kept, 3, 'none of them has read anything')
    for (const pair of late) t.ok((await received(pair)).equals(Buffer.concat(pair.sent)))
  })

  t.test(`${kind}: those who read get every byte too, from memory that is used again at once`, async t => {
    const open = await pairs(t, kind)
    const all = [await open(), await open(), await open(), await open()]
    const reading = all.map(async pair => {
      for (let i = 0; i < 500; i++) pair.send(`${i} ${'z'.repeat(i)}`)
      pair.writer.flush()
      for (let i = 0; i < 300; i++) {
        pair.send(`more ${i}`)
        if (i % 7 === 0) pair.send(Buffer.alloc(20_000, i))
        if (i % 5 === 0) pair.writer.flush()
        if (i % 11 === 0) await tick()
      }
      return received(pair)
    })
    for (const [index, bytes] of (await Promise.all(reading)).entries()) t.ok(bytes.equals(Buffer.concat(all[index].sent)))
  })
}
