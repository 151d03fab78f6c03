import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import type { Test } from 'tap'
import { Inflater } from '../../lib/connection/inflater.ts'
import type { DeflateParameters } from '../../lib/protocol/permessage-deflate.ts'
import { ProtocolError } from '../../lib/protocol/protocol-error.ts'
import { hex } from '../helpers/bytes.ts'
import { deflated, deflatedFinally, DeflatingPeer, readDeflate } from '../helpers/deflate.ts'
import { holdsLater } from '../helpers/property.ts'

const mebibyte = 1024 * 1024

interface Settings {
  takeover?: boolean
  bits?: number
  maxPayload?: number
}

function newInflater ({ takeover = false, bits = 15, maxPayload = mebibyte }: Settings = {}): Inflater {
  const parameters: DeflateParameters = { serverNoContextTakeover: true, clientNoContextTakeover: !takeover, serverMaxWindowBits: 15, clientMaxWindowBits: bits }
  return new Inflater(parameters, maxPayload)
}

async function inflated (payload: Buffer, settings?: Settings): Promise<string> {
  return String(await newInflater(settings).inflate(payload))
}

/** Whether it is inflated at once, or thrown then. */
async function isRefused (t: Test, payload: Buffer, code: string, settings?: Settings): Promise<void> {
  const inflater = newInflater(settings)
  await t.rejects(async () => await inflater.inflate(payload), { name: 'ProtocolError', code })
}

/** A client's stored block, which costs as many bytes as it has and five more. */
function stored (bytes: string | Buffer, isFinal = false): Buffer {
  const body = Buffer.from(bytes)
  const header = Buffer.from([isFinal ? 1 : 0, 0, 0, 0, 0])
  header.writeUInt16LE(body.length, 1)
  header.writeUInt16LE(body.length ^ 0xffff, 3)
  return Buffer.concat([header, body])
}

const finalEmpty = hex('03 00')
const emptyBlock = hex('00')

/* The examples of RFC 7692 section 7.2.3. */

t.test('7.2.3.1: a message in one block', async t => {
  t.equal(await inflated(hex('f2 48 cd c9 c9 07 00')), 'Hello')
})

t.test('7.2.3.2: a message that refers back to the one before', async t => {
  const inflater = newInflater({ takeover: true })
  t.equal(String(inflater.inflate(hex('f2 48 cd c9 c9 07 00'))), 'Hello')
  t.equal(String(inflater.inflate(hex('f2 00 11 00 00'))), 'Hello')
})

t.test('7.2.3.2: without context takeover it has nothing to refer back to', async t => {
  await isRefused(t, hex('f2 00 11 00 00'), 'FST_ERR_WS_CORRUPT_DEFLATE')
  await isRefused(t, hex('f2 00 11 00 00'), 'FST_ERR_WS_CORRUPT_DEFLATE', { takeover: true })
})

t.test('7.2.3.3: a block without compression', async t => {
  t.equal(await inflated(hex('00 05 00 fa ff 48 65 6c 6c 6f 00')), 'Hello')
})

t.test('7.2.3.4: a final block', async t => {
  t.equal(await inflated(hex('f3 48 cd c9 c9 07 00 00')), 'Hello')
})

t.test('7.2.3.5: two blocks', async t => {
  t.equal(await inflated(hex('f2 48 05 00 00 00 ff ff ca c9 c9 07 00')), 'Hello')
})

t.test('7.2.3.6: an empty message', async t => {
  t.equal(await inflated(hex('00')), '')
  t.equal(await inflated(hex('02 00')), '', 'in a block of the fixed code')
})

t.test('a message of no bytes at all, as some encoders flush it, is empty', async t => {
  t.equal(await inflated(Buffer.alloc(0)), '')
})

/* What is inflated at once, and what later. */

t.test('a small message is inflated at once', async t => {
  t.ok(Buffer.isBuffer(newInflater().inflate(deflated('Hello'))))
  t.ok(Buffer.isBuffer(newInflater().inflate(deflated(Buffer.alloc(64 * 1024)))), 'up to 64 KiB of it')
  t.ok(Buffer.isBuffer(newInflater().inflate(deflated(randomBytes(16_300)))), 'from up to 16 KiB')
})

t.test('a large one later, large before or after', async t => {
  for (const message of [randomBytes(17_000), Buffer.alloc(64 * 1024 + 1)]) {
    const result = newInflater().inflate(deflated(message))
    t.ok(result instanceof Promise)
    t.same(await result, message)
  }
})

for (const level of [0, 1, 6, 9]) {
  t.test(`messages of any size at level ${level} come out as they were`, async t => {
    for (const length of [0, 1, 255, 256, 257, 1024, 4096, 16_384, 65_535, 65_536, 65_537, 300_000]) {
      const message = Buffer.concat([randomBytes(length >> 1), Buffer.alloc(length - (length >> 1), 'abc')])
      assert.deepEqual(await newInflater().inflate(deflated(message, { level })), message)
    }
    t.pass()
  })
}

/* Context takeover. */

for (const bits of [9, 10, 11, 12, 13, 14, 15]) {
  t.test(`a client's context of ${bits} bits is taken over, from small messages and large ones`, async t => {
    const peer = new DeflatingPeer({ windowBits: bits })
    const inflater = newInflater({ takeover: true, bits })
    const alike = randomBytes(400)
    for (let i = 0; i < 30; i++) {
      const message = Buffer.concat([alike, randomBytes(i % 5 === 0 ? 30_000 : i * 20), alike.subarray(i)])
      assert.deepEqual(await inflater.inflate(await peer.deflate(message)), message)
    }
    t.ok(inflater.held > 0 && inflater.held <= 2 * 2 ** bits, `${inflater.held} bytes are kept`)
  })
}

t.test('without context takeover nothing is kept', async t => {
  const inflater = newInflater()
  await inflater.inflate(deflated('Hello'))
  t.equal(inflater.held, 0)
})

t.test('a window of 8 bits reaches 256 bytes back, also for what is inflated with it', async t => {
  const inflater = newInflater({ takeover: true, bits: 8 })
  const message = randomBytes(256)
  await inflater.inflate(Buffer.concat([stored(message), emptyBlock]))
  t.equal(inflater.held <= 512, true)
  // The fixed code: length 3 at distance 256, the end, and the header of an empty block.
  t.same(await inflater.inflate(bits('0 10 0000001 01111 111111 0000000 000')), message.subarray(0, 3))
})

/** Bytes from bits in the order of RFC 1951: the first is the lowest. */
function bits (text: string): Buffer {
  const all = [...text.replace(/\s/g, '')]
  return Buffer.from(Array.from({ length: Math.ceil(all.length / 8) }, (_, i) =>
    all.slice(i * 8, i * 8 + 8).reduce((byte, bit, at) => byte | Number(bit) << at, 0)
  ))
}

/* Final blocks. */

t.test('what follows a final block belongs to the message, and may refer back to it', async t => {
  const [hello, again] = [hex('f3 48 cd c9 c9 07 00'), hex('f2 00 11 00 00')]
  t.equal(await inflated(Buffer.concat([hello, again])), 'HelloHello')
  t.equal(await inflated(Buffer.concat([hello, hello, again])), 'HelloHelloHello')
})

t.test('a final block leaves the window to the next message', async t => {
  const inflater = newInflater({ takeover: true })
  t.equal(String(await inflater.inflate(deflatedFinally('Hello'))), 'Hello')
  t.equal(String(await inflater.inflate(hex('f2 00 11 00 00'))), 'Hello')
})

t.test('a part behind a final block refers back to the message before as well', async t => {
  const inflater = newInflater({ takeover: true })
  await inflater.inflate(deflated('Hello'))
  // The fixed code: length 5 at distance 15, the end, and the header of an empty block.
  const reference = bits('0 10 0000011 00111 01 0000000 000')
  t.equal(String(await inflater.inflate(Buffer.concat([stored('12345', true), stored('67890', true), reference]))), '1234567890Hello')
})

t.test('a message may end with a final block, or be one that is empty', async t => {
  t.equal(await inflated(deflatedFinally('Hello, you')), 'Hello, you')
  t.equal(await inflated(Buffer.concat([finalEmpty, emptyBlock])), '')
  t.equal(await inflated(Buffer.concat([stored('', true), emptyBlock])), '')
})

t.test('a stored block that lacks bytes is not whole, however many it lacks', async t => {
  // Four are what the sender left out, which is to be put there.
  for (const missing of [1, 2, 3, 5, ...Array.from({ length: 60 }, (_, index) => index + 6)]) {
    const block = stored('x'.repeat(100))
    await isRefused(t, block.subarray(0, block.length - missing), 'FST_ERR_WS_CORRUPT_DEFLATE')
  }
})

t.test('a block that ends a bit behind the message is not whole', async t => {
  await isRefused(t, hex('4a 04 00 00 00 ff ff ec c1 21 01 00 00 00 80 a0 ff af 7d 61 02'), 'FST_ERR_WS_CORRUPT_DEFLATE')
})

t.test('16 final blocks, and one for each KiB, are as many as a message may have', async t => {
  for (const block of [finalEmpty, stored('a', true)]) {
    const most = Array(16).fill(block)
    t.equal((await inflated(Buffer.concat([...most, emptyBlock]))).length, block === finalEmpty ? 0 : 16)
    await isRefused(t, Buffer.concat([...most, block, emptyBlock]), 'FST_ERR_WS_FINAL_BLOCKS')
  }
})

t.test('blocks that are not final may be as many as fit', async t => {
  t.equal(await inflated(Buffer.concat([...Array(2000).fill(stored('a')), emptyBlock])), 'a'.repeat(2000))
})

/* Streams that do not end where the message does. */

const cutMessages: Record<string, Buffer> = {
  'the fixed code': deflated('Hello, Hello, Hello'),
  'a code of its own': deflated(Buffer.from(Array.from({ length: 400 }, (_, i) => (i * i) % 23))),
  'a stored block': Buffer.concat([stored('Hello, you'), emptyBlock]),
  'a final block': deflatedFinally('Hello, Hello, you'),
  'several final blocks': Buffer.concat([stored('Hello', true), deflatedFinally('Hello, Hello'), deflated('you')])
}

/** What an inflater makes of a payload, and what the RFC's own algorithm does: a message, or null for a violation. */
async function outcomes (payload: Buffer): Promise<{ own: Buffer | null, expected: Buffer | null }> {
  const [own, expected] = await Promise.all([
    orNull(async () => await newInflater().inflate(payload)),
    orNull(async () => readDeflate(payload).message)
  ])
  return { own, expected }
}

async function orNull (read: () => Promise<Buffer>): Promise<Buffer | null> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof ProtocolError) assert.equal(error.closeCode, error.code === 'FST_ERR_WS_CORRUPT_DEFLATE' ? 1007 : 1009)
    else assert.equal((error as Error).constructor, Error, String(error))
    return null
  }
}

for (const [title, payload] of Object.entries(cutMessages)) {
  t.test(`${title}, cut anywhere, is corrupt unless the RFC reads it as a whole number of blocks`, async t => {
    let corrupt = 0
    for (let end = 1; end < payload.length; end++) {
      const { own, expected } = await outcomes(payload.subarray(0, end))
      assert.deepEqual({ end, message: own }, { end, message: expected })
      if (own === null) corrupt++
    }
    t.ok(corrupt >= payload.length / 2, `${corrupt} of ${payload.length} are`)
  })
}

t.test('a stored block that would end in what is put behind the payload is corrupt', async t => {
  for (let missing = 5; missing <= 12; missing++) {
    for (const isFinal of [false, true]) await isRefused(t, stored('a'.repeat(20), isFinal).subarray(0, -missing), 'FST_ERR_WS_CORRUPT_DEFLATE')
  }
})

t.test('bytes behind the last block are corrupt', async t => {
  await isRefused(t, Buffer.concat([deflated('Hello'), hex('ff')]), 'FST_ERR_WS_CORRUPT_DEFLATE')
  await isRefused(t, Buffer.concat([stored('Hello', true), hex('07')]), 'FST_ERR_WS_CORRUPT_DEFLATE')
})

t.test('what is no deflate at all is corrupt, small or large', async t => {
  await isRefused(t, hex('07'), 'FST_ERR_WS_CORRUPT_DEFLATE')
  await isRefused(t, Buffer.alloc(20_000, 0x07), 'FST_ERR_WS_CORRUPT_DEFLATE')
})

const anyMessage = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map(bytes => Buffer.from(bytes)),
  fc.string({ maxLength: 60 }).map(text => Buffer.from(text.repeat(5)))
)
const anyPayload = fc.tuple(anyMessage, anyMessage, fc.constantFrom(0, 1, 6), fc.boolean()).map(([first, second, level, hasFinal]) =>
  Buffer.concat([hasFinal ? deflatedFinally(first).subarray(0, -1) : Buffer.alloc(0), deflated(second, { level })])
)

t.test('any payload with any bits flipped is what the RFC\'s own algorithm makes of it', async t => {
  const flips = fc.array(fc.tuple(fc.nat(), fc.nat(7)), { maxLength: 4 })
  await holdsLater(t, fc.asyncProperty(anyPayload, flips, async (payload, flips) => {
    const flipped = Buffer.from(payload)
    for (const [at, bit] of flips) flipped[at % payload.length] ^= 1 << bit
    const { own, expected } = await outcomes(flipped)
    assert.deepEqual(own, expected)
  }), { numRuns: 1000 })
})

t.test('any bytes whatsoever are what the RFC\'s own algorithm makes of them', async t => {
  await holdsLater(t, fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 40 }), async bytes => {
    const { own, expected } = await outcomes(Buffer.from(bytes))
    assert.deepEqual(own, expected)
  }), { numRuns: 3000 })
})

/* Limits. */

for (const maxPayload of [1, 100, 4096, 65_536, 65_537, 200_000]) {
  t.test(`a message may have the ${maxPayload} bytes of the limit, not one more`, async t => {
    const settings = { maxPayload }
    for (const most of [Buffer.alloc(maxPayload), randomBytes(maxPayload)]) {
      t.same(await newInflater(settings).inflate(deflated(most)), most)
      await isRefused(t, deflated(Buffer.concat([most, Buffer.alloc(1)])), 'FST_ERR_WS_MESSAGE_TOO_BIG', settings)
    }
  })

  t.test(`the ${maxPayload} bytes of the limit count across final blocks`, async t => {
    const half = Buffer.alloc(maxPayload >> 1)
    const others = Buffer.alloc(maxPayload - half.length)
    const settings = { maxPayload }
    const start = deflatedFinally(half).subarray(0, -1)
    t.equal((await inflated(Buffer.concat([start, deflated(others)]), settings)).length, maxPayload)
    t.equal((await inflated(Buffer.concat([start, deflatedFinally(others)]), settings)).length, maxPayload)
    await isRefused(t, Buffer.concat([start, deflated(Buffer.alloc(others.length + 1))]), 'FST_ERR_WS_MESSAGE_TOO_BIG', settings)
    await isRefused(t, Buffer.concat([start, deflatedFinally(others).subarray(0, -1), stored('a'), emptyBlock]), 'FST_ERR_WS_MESSAGE_TOO_BIG', settings)
  })
}

t.test('a limit beyond what any Buffer holds limits nothing', async t => {
  for (const message of ['a', 'a'.repeat(100_000)]) t.equal(await inflated(deflated(message), { maxPayload: Number.MAX_SAFE_INTEGER }), message)
})

t.test('a bomb of 1:1000 is refused with 1009', async t => {
  const bomb = deflated(Buffer.alloc(100 * mebibyte))
  const inflater = newInflater()
  await t.rejects(async () => await inflater.inflate(bomb), { code: 'FST_ERR_WS_MESSAGE_TOO_BIG', closeCode: 1009 })
})

t.test('a message of several final blocks is inflated whole before another takes its place, so that few are held half done', async t => {
  const whole = Buffer.concat([...Array(8).fill(deflatedFinally('Hello').subarray(0, -1)), emptyBlock])
  const corrupt = Buffer.concat([finalEmpty, hex('07')])
  const order: string[] = []
  await Promise.all([...Array(12).fill(whole), corrupt].map(async payload => {
    try {
      order.push(String(await newInflater().inflate(payload)))
    } catch (error) {
      order.push((error as ProtocolError).code)
    }
  }))
  t.ok(order.indexOf('FST_ERR_WS_CORRUPT_DEFLATE') >= 9, 'the last, but for the three that run at once')
  t.same(order.filter(one => one === 'Hello'.repeat(8)).length, 12)
})

/* Behind a window. */

t.test('as much is inflated at once behind a full window, whatever its bits', async t => {
  for (const bits of [8, 12, 15]) {
    const inflater = newInflater({ takeover: true, bits })
    const peer = new DeflatingPeer({ windowBits: Math.max(9, bits) })
    for (const message of [randomBytes(12_000), randomBytes(12_000), randomBytes(12_000), Buffer.alloc(64 * 1024, 'ab'), randomBytes(100)]) {
      const result = inflater.inflate(await peer.deflate(message))
      t.ok(Buffer.isBuffer(result))
      t.ok(message.equals(await result))
    }
    t.ok(inflater.inflate(await peer.deflate(Buffer.alloc(64 * 1024 + 1))) instanceof Promise)
  }
})

t.test('a window does not count towards `maxPayload`', async t => {
  const inflater = newInflater({ takeover: true, maxPayload: 5000 })
  const peer = new DeflatingPeer()
  for (let i = 0; i < 10; i++) t.equal((await inflater.inflate(await peer.deflate(Buffer.alloc(5000, i)))).length, 5000)
  const tooBig = await peer.deflate(Buffer.alloc(5001))
  t.throws(() => inflater.inflate(tooBig), { code: 'FST_ERR_WS_MESSAGE_TOO_BIG' })
})

t.test('with a full window no message reaches further back than it', async t => {
  const inflater = newInflater({ takeover: true, bits: 9 })
  const [old, recent] = [randomBytes(512), randomBytes(512)]
  const referring = (dictionary: Buffer): Buffer => deflated(Buffer.concat([randomBytes(3), dictionary.subarray(0, 200)]), { dictionary })
  for (const message of [old, recent]) inflater.inflate(deflated(message))
  t.equal((await inflater.inflate(referring(recent))).length, 203)
  for (const message of [old, recent]) inflater.inflate(deflated(message))
  await t.rejects(async () => await inflater.inflate(referring(Buffer.concat([old, recent]))), { code: 'FST_ERR_WS_CORRUPT_DEFLATE' })
})
