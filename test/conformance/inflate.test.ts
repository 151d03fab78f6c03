import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import t from 'tap'
import { noise, prose } from './case.ts'
import { DeflateWriter } from './deflate-bytes.ts'
import { Deflation } from './deflation.ts'
import { Inflater } from './inflate.ts'

/** As on the wire: flushed, and without the last four bytes. */
function compressed (bytes: Buffer, windowBits: number): Buffer {
  return deflateRawSync(bytes, { windowBits, finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4)
}

t.test('inflates what zlib has deflated', async t => {
  for (const bytes of [Buffer.alloc(0), Buffer.from('Hello'), prose(5000), noise(5000), Buffer.alloc(100_000), Buffer.concat([noise(3000), noise(3000)])]) {
    t.same(new Inflater(15, false).inflate(compressed(bytes, 15)), bytes)
  }
})

t.test('refuses what refers to more than the window', async t => {
  const bytes = Buffer.concat([noise(2000), noise(2000)])
  t.throws(() => new Inflater(10, false).inflate(compressed(bytes, 15)), { message: /2000 bytes back, beyond the agreed window of 1024/ })
  t.same(new Inflater(11, false).inflate(compressed(bytes, 15)), bytes)
})

t.test('refuses what refers to an earlier message where the window is not kept', async t => {
  const takeover = { serverTakeover: true, clientTakeover: true, serverBits: 15, clientBits: 15 }
  const client = new Deflation(takeover)
  const [first, second] = [client.compress('Hello'), client.compress('Hello')]
  const keeping = new Inflater(15, true)
  t.same([keeping.inflate(first), keeping.inflate(second)].map(String), ['Hello', 'Hello'])
  const forgetting = new Inflater(15, false)
  t.equal(String(forgetting.inflate(first)), 'Hello')
  t.throws(() => forgetting.inflate(second), { message: /before its beginning/ })
})

t.test('a client of every window stays within it', async t => {
  for (let clientBits = 8; clientBits <= 15; clientBits++) {
    const client = new Deflation({ serverTakeover: true, clientTakeover: true, serverBits: 15, clientBits })
    const server = new Inflater(clientBits, true)
    for (const bytes of [noise(300), noise(300), prose(70_000), prose(70_000), noise(40_000), noise(40_000)]) {
      if (!server.inflate(client.compress(bytes)).equals(bytes)) t.fail(`${clientBits} bits`)
    }
    t.pass(`${clientBits} bits`)
  }
})

t.test('streams written by hand are what zlib takes them for', async t => {
  const matches = [100, { length: 258, distance: 4 }, { length: 11, distance: 262 }]
  const stream = new DeflateWriter().stored('abc').fixed(matches).stored('é').fixed('', { final: true }).align().bytes()
  t.equal(String(inflateRawSync(stream)), `${'abcd'.repeat(66).slice(0, 262)}abcdabcdabcé`)
  for (const distance of [1, 2, 4, 5, 6, 7, 8, 9, 12, 13, 24, 25, 256, 257, 1024, 1025, 24_577, 32_768]) {
    const bytes = new DeflateWriter().stored(noise(32_768)).fixed([{ length: 3, distance }], { final: true }).align().bytes()
    const all = inflateRawSync(bytes)
    const start = 32_768 - distance
    t.ok(all.subarray(32_768).equals(Buffer.from([0, 1, 2].map(i => all[start + i]))), `a distance of ${distance}`)
  }
})
