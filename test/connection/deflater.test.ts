import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import t from 'tap'
import { Deflater, isShort } from '../../lib/connection/deflater.ts'
import type { DeflateOptions } from '../../lib/connection/deflater.ts'
import { opcode } from '../../lib/protocol/frame.ts'
import { encodeFrame } from '../../lib/protocol/frame-encoder.ts'
import { readFrame } from '../helpers/bytes.ts'
import { InflatingPeer, readDeflate } from '../helpers/deflate.ts'

interface Settings extends Partial<DeflateOptions> {
  takeover?: boolean
  bits?: number
}

function newDeflater ({ takeover = false, bits = 15, ...options }: Settings = {}): Deflater {
  return new Deflater(
    { serverNoContextTakeover: !takeover, clientNoContextTakeover: true, serverMaxWindowBits: bits, clientMaxWindowBits: 15 },
    { threshold: 0, contextTakeover: takeover, windowBits: bits, memLevel: 5, level: -1, ...options }
  )
}

const frameOf = (message: string | Buffer): Buffer => encodeFrame(typeof message === 'string' ? opcode.text : opcode.binary, message)

/** The payload of a frame, and whether it is compressed. */
function read (bytes: Buffer): { isCompressed: boolean, opcode: number, payload: Buffer } {
  const result = readFrame(bytes)
  assert.ok(result !== null && result.size === bytes.length && result.frame.fin && (result.frame.rsv === 0 || result.frame.rsv === 4))
  const { rsv, opcode, payload } = result.frame
  return { isCompressed: rsv === 4, opcode, payload }
}

/** Text of so many bytes that compresses well. */
function words (length: number, seed = 0): string {
  let text = ''
  for (let i = seed; text.length < length; i++) text += `${i % 7} bottles of ${(i * i) % 11}; `
  return text.slice(0, length)
}

t.test('the end of the flush is left out', async t => {
  const { payload } = read(await newDeflater().compress(frameOf('HelloHelloHello'), false))
  t.equal(String(readDeflate(payload).message), 'HelloHelloHello')
  t.not(payload.subarray(-4).toString('hex'), '0000ffff')
})

for (const length of [100, 1024, 16_384, 16_385, 70_000, 300_000]) {
  t.test(`a message of ${length} bytes is compressed, ${length <= 16_384 ? 'at once' : 'later'}`, async t => {
    const result = newDeflater().compress(frameOf(words(length)), false)
    t.equal(result instanceof Promise, length > 16_384)
    const { isCompressed, opcode: code, payload } = read(await result)
    t.ok(isCompressed)
    t.equal(code, opcode.text)
    t.ok(payload.length < length)
    t.equal(String(readDeflate(payload).message), words(length))
  })
}

t.test('a binary message stays one', async t => {
  t.equal(read(await newDeflater().compress(frameOf(Buffer.alloc(100)), false)).opcode, opcode.binary)
})

t.test('messages below the threshold, in bytes, are sent as they are', async t => {
  const deflater = newDeflater({ threshold: 100 })
  const [below, at] = [frameOf('é'.repeat(49)), frameOf('é'.repeat(50))]
  t.equal(deflater.compress(below, false), below)
  t.equal(deflater.compress(below, true), below)
  t.ok(read(await deflater.compress(at, false)).isCompressed)
})

t.test('the frame given is not changed', async t => {
  const frame = frameOf(words(1000))
  const copy = Buffer.from(frame)
  await newDeflater().compress(frame, false)
  t.same(frame, copy)
})

t.test('what compression does not make shorter is sent as it is', async t => {
  for (const length of [0, 1, 2, 3, 10, 100, 5000, 20_000]) {
    for (const isShared of [false, true]) {
      const frame = frameOf(randomBytes(length))
      assert.equal(await newDeflater().compress(frame, isShared), frame)
      assert.equal(await newDeflater({ level: 0, takeover: true }).compress(frame, isShared), frame)
    }
  }
  t.pass()
})

t.test('no frame gets longer, whatever its length', async t => {
  for (let length = 0; length < 300; length++) {
    const frame = frameOf(words(length))
    const compressed = await newDeflater().compress(frame, false)
    assert.ok(compressed === frame || compressed.length < frame.length)
  }
  t.pass()
})

t.test('where zlib fills its memory to the last byte the message is still whole', async t => {
  const noise = randomBytes(16_500)
  for (let length = 16_340; length < 16_400; length++) {
    const message = Buffer.concat([noise.subarray(0, length), Buffer.alloc(200)])
    const { isCompressed, payload } = read(await newDeflater().compress(frameOf(message), false))
    assert.ok(isCompressed)
    assert.deepEqual(readDeflate(payload).message, message)
  }
  t.pass()
})

/* Shared frames. */

t.test('a shared frame is compressed once for all of the same settings', async t => {
  for (const length of [2000, 20_000]) {
    const frame = frameOf(words(length))
    const first = newDeflater({ bits: 12 }).compress(frame, true)
    const second = newDeflater({ bits: 12, takeover: true }).compress(frame, true)
    const [one, other] = await Promise.all([first, second])
    t.equal(one, other)
    t.ok(read(one).isCompressed)
    t.equal(await newDeflater({ bits: 12 }).compress(frame, true), one, 'and for those that come later')
  }
})

t.test('8 bits of window and 9 are different settings of the client, and the same of zlib', async t => {
  const frame = frameOf(words(2000))
  t.same(await newDeflater({ bits: 8 }).compress(frame, true), await newDeflater({ bits: 9 }).compress(frame, true))
})

t.test('other settings compress it anew', async t => {
  const frame = frameOf(words(5000))
  const all = []
  for (const settings of [{ bits: 12 }, { bits: 9 }, { bits: 12, level: 1 }, { bits: 12, memLevel: 1 }]) all.push(await newDeflater(settings).compress(frame, true))
  t.equal(new Set(all).size, all.length)
  for (const one of all) t.equal(String(readDeflate(read(one).payload).message), words(5000))
})

t.test('one that does not get shorter is shared as it is', async t => {
  const frame = frameOf(randomBytes(2000))
  t.equal(await newDeflater().compress(frame, true), frame)
  t.equal(await newDeflater().compress(frame, true), frame)
})

t.test('a frame that is not shared is compressed for each', async t => {
  const frame = frameOf(words(2000))
  t.not(await newDeflater().compress(frame, false), await newDeflater().compress(frame, false))
})

/* Context takeover. */

t.test('a message that is like the one before gets shorter with context takeover, and does not without', async t => {
  for (const takeover of [true, false]) {
    const deflater = newDeflater({ takeover })
    const message = randomBytes(400).toString('hex')
    const first = await deflater.compress(frameOf(message), false)
    const second = await deflater.compress(frameOf(message), false)
    if (takeover) t.ok(second.length < 30, `${second.length} bytes after ${first.length}`)
    else t.same(second, first)
    t.equal(deflater.held > 0, takeover)
  }
})

for (const bits of [8, 9, 10, 11, 12, 13, 14, 15]) {
  for (const level of [1, 6, 9]) {
    t.test(`a client with a window of ${bits} bits reads messages of level ${level}, own and shared, with context takeover`, async t => {
      const deflater = newDeflater({ takeover: true, bits, level })
      const peer = new InflatingPeer(bits)
      const noise = randomBytes(2000)
      let window = Buffer.alloc(0)
      let compressed = 0
      for (let i = 0; i < 40; i++) {
        const length = [30, 300, 3000, 700, 20_000][i % 5]
        const message = i % 7 === 3 ? randomBytes(length) : Buffer.concat([Buffer.from(words(length, i % 3)), noise.subarray(i * 10, i * 10 + 200)])
        const frame = read(await deflater.compress(frameOf(message), i % 3 === 0))
        if (!frame.isCompressed) continue
        const { message: known, farthest } = readDeflate(frame.payload, window)
        assert.deepEqual(known, message)
        assert.ok(farthest <= 2 ** bits, `${farthest} bytes back`)
        assert.deepEqual(await peer.inflate(frame.payload), message)
        window = Buffer.concat([window, message]).subarray(-(2 ** bits))
        compressed++
      }
      t.ok(compressed > 20, `${compressed} of 40 were compressed`)
      t.ok(deflater.held <= 2 * 2 ** bits)
    })
  }

  t.test(`a client with a window of ${bits} bits reads a large message that stands alone`, async t => {
    const noise = randomBytes(2 ** bits - 200)
    const message = Buffer.concat([noise, noise, Buffer.from(words(20_000)), noise])
    const { payload } = read(await newDeflater({ bits, memLevel: 9, level: 9 }).compress(frameOf(message), false))
    t.ok(readDeflate(payload).farthest <= 2 ** bits)
    t.same(await new InflatingPeer(bits).inflate(payload), message)
  })
}

t.test('what is sent as it is does not enter the window', async t => {
  const deflater = newDeflater({ takeover: true, threshold: 50 })
  const peer = new InflatingPeer()
  const secret = randomBytes(1000)
  t.notOk(read(await deflater.compress(frameOf(secret), false)).isCompressed, 'incompressible')
  t.notOk(read(await deflater.compress(frameOf('short'), false)).isCompressed, 'below the threshold')
  t.equal(deflater.held, 0)
  const message = Buffer.concat([secret, Buffer.from(words(2000))])
  const { isCompressed, payload } = read(await deflater.compress(frameOf(message), false))
  t.ok(isCompressed)
  t.same(await peer.inflate(payload), message)
})

t.test('a shared message enters the window of each of its receivers', async t => {
  const deflater = newDeflater({ takeover: true })
  const message = randomBytes(400).toString('hex')
  const peer = new InflatingPeer()
  t.equal(String(await peer.inflate(read(await deflater.compress(frameOf(message), true)).payload)), message)
  const again = read(await deflater.compress(frameOf(message), false)).payload
  t.ok(again.length < 30)
  t.equal(String(await peer.inflate(again)), message)
})

t.test('a message that another thread compresses enters the window when it is done', async t => {
  const deflater = newDeflater({ takeover: true })
  const peer = new InflatingPeer()
  for (const length of [30_000, 100, 40_000, 200]) {
    t.equal(String(await peer.inflate(read(await deflater.compress(frameOf(words(length)), false)).payload)), words(length))
  }
})

/* Short messages that are not framed yet. */

for (const takeover of [false, true]) {
  t.test(`a short message becomes what its frame does, ${takeover ? 'with' : 'without'} context takeover`, async t => {
    const [one, other] = [newDeflater({ takeover, bits: 12 }), newDeflater({ takeover, bits: 12 })]
    for (const message of [words(4096), '€'.repeat(500), Buffer.from(words(3000, 5)), words(5000, 2), words(100)]) {
      t.same(one.compressShort(message), await other.compress(frameOf(message), false))
    }
    t.equal(one.held, other.held)
  })
}

t.test('a short message that is sent as it is: below the threshold in bytes, or no shorter compressed', t => {
  const deflater = newDeflater({ threshold: 300, takeover: true })
  t.equal(deflater.compressShort('a'.repeat(99)), null)
  t.equal(deflater.compressShort('a'.repeat(299)), null)
  t.equal(deflater.compressShort('€'.repeat(99)), null)
  t.equal(deflater.compressShort(Buffer.alloc(299)), null)
  t.equal(deflater.compressShort(randomBytes(300)), null)
  t.equal(deflater.held, 0, 'and is no part of the window')
  t.ok(deflater.compressShort('€'.repeat(100)))
  t.end()
})

t.test('short are 16 KiB, whatever the characters of a text turn out to be', t => {
  t.same([16_384, 16_385].map(length => isShort(Buffer.alloc(length))), [true, false])
  t.same([5461, 5462].map(length => isShort('€'.repeat(length))), [true, false])
  t.equal(String(readDeflate(read(newDeflater().compressShort('€'.repeat(5461)) as Buffer).payload).message), '€'.repeat(5461))
  t.end()
})

t.test('what was compressed before is not changed by what is compressed after', t => {
  const deflater = newDeflater()
  const first = deflater.compressShort(words(4096)) as Buffer
  const copy = Buffer.from(first)
  deflater.compressShort(words(4096, 3))
  t.same(first, copy)
  t.end()
})
