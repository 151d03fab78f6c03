import { once } from 'node:events'
import { connect, constants, createServer } from 'node:http2'
import type { ClientHttp2Session, Http2Server, ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import type { Test } from 'tap'
import { Http2Transport } from '../../lib/connection/http2-transport.ts'
import type { TransportOwner } from '../../lib/connection/transport.ts'
import { Random } from '../fuzz/random.ts'
import { until } from '../fuzz/until.ts'

const cases = 40

/** Small ones are used up by what came behind a pause. */
const windows = [2_000, 5_000, 16_384, 65_535, 200_000]

type Ending = 'ends' | 'ends with its last bytes' | 'is reset'

/** Reads a stream now and then: pauses and resumes within a chunk, within its tick and turns later. */
class HesitantReader implements TransportOwner {
  readonly chunks: Buffer[] = []
  isEnded = false
  closes = 0
  readonly #transport: Http2Transport
  readonly #random: Random
  #isPaused = false

  constructor (stream: ServerHttp2Stream, random: Random) {
    stream.on('error', () => {})
    this.#random = random
    this.#transport = new Http2Transport(stream)
    stream.respond({ ':status': constants.HTTP_STATUS_OK })
    this.#transport.attach(this)
    this.#hesitate()
  }

  onData (chunk: Buffer): void {
    this.chunks.push(Buffer.from(chunk))
    this.#hesitate()
  }

  onEnd (): void {
    this.isEnded = true
    this.#transport.end()
  }

  onDrain (): void {}

  onClose (): void {
    this.closes++
  }

  #hesitate (): void {
    if (this.#isPaused || this.#random.below(3) > 0) return
    this.#isPaused = true
    this.#transport.pause()
    this.#later(() => this.#goOn())
  }

  #goOn (): void {
    if (this.closes > 0) return
    this.#isPaused = false
    this.#transport.resume()
    if (this.#random.below(4) === 0) {
      this.#transport.pause()
      this.#transport.resume()
    }
    this.#hesitate()
  }

  #later (callback: () => void): void {
    const when = this.#random.below(4)
    if (when === 0) callback()
    else if (when === 1) process.nextTick(callback)
    else if (when === 2) setImmediate(callback)
    else setTimeout(callback, 1)
  }
}

t.test('a pause in the tick that a chunk came in does not keep the window shut', async t => {
  const server = createServer({ settings: { enableConnectProtocol: true, initialWindowSize: 1_000 } })
  let bytes = 0
  const ended = new Promise<void>(resolve => server.on('stream', stream => {
    stream.respond({ ':status': constants.HTTP_STATUS_OK })
    const transport = new Http2Transport(stream)
    transport.attach({
      onData: chunk => {
        bytes += chunk.length
        transport.pause()
        // Node reads ahead in the next tick: behind that.
        process.nextTick(() => process.nextTick(() => {
          transport.pause()
          setImmediate(() => transport.resume())
        }))
      },
      onEnd: resolve,
      onDrain: () => {},
      onClose: () => {}
    })
  }))
  const session = await sessionTo(t, server)
  const stream = session.request({ ':method': 'CONNECT', ':protocol': 'websocket', ':scheme': 'http', ':authority': 'localhost', ':path': '/' })
  stream.end(Buffer.alloc(10_000))
  await ended
  t.equal(bytes, 10_000)
})

async function sessionTo (t: Test, server: Http2Server): Promise<ClientHttp2Session> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  t.teardown(() => { session.destroy(); server.close() })
  await once(session, 'remoteSettings')
  return session
}

async function readsAll (t: Test, random: Random): Promise<void> {
  const readers = new Map<string, HesitantReader>()
  const server = createServer({ settings: { enableConnectProtocol: true, initialWindowSize: random.pick(windows) } })
  server.on('stream', (stream, { ':path': path = '' }) => readers.set(path, new HesitantReader(stream, random)))
  const session = await sessionTo(t, server)
  await Promise.all(Array.from({ length: 1 + random.below(5) }, async (_, i) => {
    const stream = session.request({ ':method': 'CONNECT', ':protocol': 'websocket', ':scheme': 'http', ':authority': 'localhost', ':path': `/${i}` })
    stream.on('error', () => {})
    stream.resume()
    const sent = Array.from({ length: random.below(50) }, () => random.bytes(1 + random.below(random.pick([3, 300, 20_000]))))
    for (const chunk of sent) {
      stream.write(chunk)
      if (random.below(2) === 0) await turn()
    }
    const ending = random.pick<Ending>(['ends', 'ends', 'ends with its last bytes', 'is reset'])
    const last = random.bytes(1)
    if (ending === 'is reset') stream.close(constants.NGHTTP2_CANCEL)
    else if (ending === 'ends') stream.end()
    else stream.end(last)
    const all = Buffer.concat(ending === 'ends with its last bytes' ? [...sent, last] : sent)
    await until(`stream ${i}, which ${ending}, is closed`, () => readers.get(`/${i}`)?.closes === 1 || (ending === 'is reset' && stream.destroyed && !readers.has(`/${i}`)))
    const read = Buffer.concat(readers.get(`/${i}`)?.chunks ?? [])
    if (ending === 'is reset') t.ok(all.subarray(0, read.length).equals(read), `${read.length} bytes before the reset`)
    else t.same([read.equals(all), readers.get(`/${i}`)?.isEnded], [true, true], `${all.length} bytes are read whole, and their end`)
  }))
  t.ok([...readers.values()].every(({ closes }) => closes <= 1), 'each closes once')
}

const seed = 7
for (let number = 0; number < cases; number++) {
  t.test(`a stream is read whole whenever its reader pauses: seed ${seed + number}`, async t => await readsAll(t, new Random(seed + number)))
}
