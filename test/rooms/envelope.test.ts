import fc from 'fast-check'
import t from 'tap'
import { EnvelopeCodec } from '../../lib/rooms/envelope.ts'
import type { Envelope } from '../../types/adapter.ts'
import { holds } from '../helpers/property.ts'

const [secret, other] = ['0123456789abcdef', Buffer.alloc(32, 7)]
const plain = new EnvelopeCodec('app', [])
const signed = new EnvelopeCodec('app', [secret])

const envelopes: Envelope[] = [
  { kind: 'json', node: 'n', seq: 1, payload: '{"text":"grüße 🎉"}', except: [] },
  { kind: 'text', node: 'a-b_C9'.padEnd(64, 'x'), seq: Number.MAX_SAFE_INTEGER, payload: '', except: ['n-1', 'n-2', '', '"\\ü'] },
  { kind: 'binary', node: 'n', seq: 2, payload: Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)), except: ['x'] },
  { kind: 'binary', node: 'n', seq: 3, payload: Buffer.alloc(0), except: [] },
  { kind: 'close', node: 'n', seq: 4, code: 4999, reason: 'tschüß' },
  { kind: 'close', node: 'n', seq: 5, code: 1000, reason: '' },
  { kind: 'control', node: 'n', seq: 6, payload: '{"a":[null]}' }
]

/** The error's code, or what was decoded. */
function outcome (codec: EnvelopeCodec, channel: string, bytes: Buffer): unknown {
  try {
    return codec.decode(channel, bytes)
  } catch (error) {
    return (error as { code?: string }).code ?? error
  }
}

const refused = 'FST_ERR_WS_ENVELOPE'

/** Bytes with the lengths that belong to them, and whatever head. */
function forged (head: unknown, payload = Buffer.alloc(0)): Buffer {
  const bytes = Buffer.from(typeof head === 'string' ? head : JSON.stringify(head))
  const prefix = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0, 0, 0])
  prefix.writeUInt32BE(bytes.length, 2)
  prefix.writeUInt32BE(payload.length, 6)
  return Buffer.concat([prefix, bytes, payload])
}

for (const [title, codec] of [['unsigned', plain], ['signed', signed]] as const) {
  t.test(`${title}: an envelope is decoded as what it was, alone and behind others`, async t => {
    for (const envelope of envelopes) t.same(codec.decode('=room', codec.encode('=room', envelope)), [envelope])
    t.same(codec.decode('=room', Buffer.concat(envelopes.map(envelope => codec.encode('=room', envelope)))), envelopes)
  })

  t.test(`${title}: any content makes the round trip`, async t => {
    const json = fc.record({
      kind: fc.constantFrom('json' as const, 'text' as const),
      node: fc.stringMatching(/^[\w-]{1,64}$/),
      seq: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      payload: fc.string({ unit: 'binary' }),
      except: fc.array(fc.string({ unit: 'binary' }))
    })
    holds(t, fc.property(json, fc.string({ unit: 'binary' }), (envelope, channel) => JSON.stringify(codec.decode(channel, codec.encode(channel, envelope))) === JSON.stringify([envelope])))
  })

  t.test(`${title}: cut at any place, it is none`, async t => {
    for (const envelope of envelopes) {
      const bytes = codec.encode('=room', envelope)
      for (let length = 0; length < bytes.length; length++) {
        if (outcome(codec, '=room', bytes.subarray(0, length)) !== refused) t.fail(`${envelope.kind} cut at ${length}`)
      }
      t.equal(outcome(codec, '=room', Buffer.concat([bytes, bytes.subarray(0, 5)])), refused, 'and nothing of what stands before the cut')
    }
  })

  t.test(`${title}: a length that is not true is refused, or makes another head that is`, async t => {
    const bytes = codec.encode('=room', envelopes[0])
    for (const at of [2, 6]) {
      for (const lie of [0, 1, 2, bytes.length, 0x7fffffff, 0xffffffff]) {
        const lying = Buffer.from(bytes)
        lying.writeUInt32BE(lie, at)
        t.equal(outcome(codec, '=room', lying), refused, `${at}: ${lie}`)
      }
    }
  })

  t.test(`${title}: garbage is refused with one error, and costs no time`, async t => {
    holds(t, fc.property(fc.uint8Array({ maxLength: 500 }), bytes => outcome(codec, '=room', Buffer.from(bytes)) === refused), { numRuns: 1_000 })
    const valid = codec.encode('=room', envelopes[1])
    holds(t, fc.property(fc.nat(valid.length - 1), fc.uint8Array({ minLength: 1, maxLength: 20 }), (at, bytes) => {
      const mixed = Buffer.from(valid)
      mixed.set(bytes.subarray(0, mixed.length - at), at)
      const result = outcome(codec, '=room', mixed)
      return result === refused || Array.isArray(result)
    }), { numRuns: 1_000 })
  })
}

t.test('signed: with any byte changed it is refused', async t => {
  for (const envelope of envelopes) {
    const bytes = signed.encode('=room', envelope)
    for (let at = 0; at < bytes.length; at++) {
      for (const bit of [1, 0x80]) {
        const flipped = Buffer.from(bytes)
        flipped[at] ^= bit
        if (outcome(signed, '=room', flipped) !== refused) t.fail(`${envelope.kind}: byte ${at}`)
      }
    }
  }
  t.pass('all refused')
})

t.test('unsigned: with any byte of its prefix changed it is refused', async t => {
  const bytes = plain.encode('=room', envelopes[0])
  for (let at = 0; at < 10; at++) {
    const flipped = Buffer.from(bytes)
    flipped[at] ^= 1
    t.equal(outcome(plain, '=room', flipped), refused, `byte ${at}`)
  }
})

t.test('signed: it holds for its channel and its namespace only', async t => {
  const bytes = signed.encode('=room', envelopes[0])
  t.equal(outcome(signed, '=rooms', bytes), refused)
  t.equal(outcome(signed, 'room', bytes), refused)
  t.equal(outcome(new EnvelopeCodec('other', [secret]), '=room', bytes), refused)
  t.equal(outcome(new EnvelopeCodec('ap', [secret]), 'p=room', bytes), refused, 'what moves from one name to the other')
  t.equal(outcome(new EnvelopeCodec('app=', [secret]), 'room', bytes), refused)
})

t.test('a process with a secret refuses what is not signed, and one without refuses what is', async t => {
  t.equal(outcome(signed, '=room', plain.encode('=room', envelopes[0])), refused)
  t.equal(outcome(plain, '=room', signed.encode('=room', envelopes[0])), refused)
  const mixed = Buffer.concat([signed.encode('=room', envelopes[0]), plain.encode('=room', envelopes[1])])
  t.equal(outcome(signed, '=room', mixed), refused, 'what is not signed may not hide behind what is')
})

t.test('secrets are rotated: all verify, the first one signs', async t => {
  const [before, during, after] = [new EnvelopeCodec('app', [secret, other]), new EnvelopeCodec('app', [other, secret]), new EnvelopeCodec('app', [other])]
  for (const [from, to] of [[signed, before], [before, signed], [before, during], [during, before], [during, after], [after, during]]) {
    t.same(to.decode('=room', from.encode('=room', envelopes[0])), [envelopes[0]])
  }
  t.equal(outcome(after, '=room', signed.encode('=room', envelopes[0])), refused)
  t.equal(outcome(after, '=room', before.encode('=room', envelopes[0])), refused)
})

t.test('a head that is none is refused, whoever wrote it', async t => {
  const good = { kind: 'json', node: 'n', seq: 1 }
  t.same(plain.decode('=r', forged(good, Buffer.from('1'))), [{ ...good, payload: '1', except: [] }])
  const bad: unknown[] = [
    '', '{', 'null', '1', '"x"', '[]', {}, '{"kind":"json","node":"n","seq":1}x',
    { ...good, kind: 'JSON' }, { ...good, kind: '__proto__' }, { ...good, kind: ['json'] }, { ...good, kind: null },
    { ...good, node: '' }, { ...good, node: 'x'.repeat(65) }, { ...good, node: 'a b' }, { ...good, node: 'a\n' }, { ...good, node: 1 }, { ...good, node: ['n'] }, { kind: 'json', seq: 1 },
    { ...good, seq: 0 }, { ...good, seq: -1 }, { ...good, seq: 1.5 }, { ...good, seq: 2 ** 53 }, { ...good, seq: '1' }, { ...good, seq: null }, '{"kind":"json","node":"n","seq":1e400}',
    { ...good, except: 'all' }, { ...good, except: [1] }, { ...good, except: { length: 1 } }, { ...good, except: null }, { ...good, except: [['n']] },
    { ...good, kind: 'close' }, { ...good, kind: 'close', code: 1006, reason: '' }, { ...good, kind: 'close', code: 1000 }, { ...good, kind: 'close', code: '1000', reason: '' },
    { ...good, kind: 'close', code: 1000, reason: 'x'.repeat(124) }, { ...good, kind: 'close', code: 1000, reason: { length: 1 } }, { ...good, kind: 'close', code: 5000, reason: '' }
  ]
  for (const head of bad) t.equal(outcome(plain, '=r', forged(head)), refused, JSON.stringify(head).slice(0, 60))
})

t.test('text that is not UTF-8 is refused, bytes are bytes', async t => {
  const [head, invalid] = [{ node: 'n', seq: 1 }, Buffer.from([0x22, 0xff, 0x22])]
  for (const kind of ['json', 'text', 'control']) t.equal(outcome(plain, '=r', forged({ ...head, kind }, invalid)), refused, kind)
  t.same(plain.decode('=r', forged({ ...head, kind: 'binary' }, invalid)), [{ ...head, kind: 'binary', payload: invalid, except: [] }])
  const bytes = forged({ ...head, kind: 'text', except: ['ü'] })
  bytes[bytes.indexOf('ü')] = 0xff
  t.equal(outcome(plain, '=r', bytes), refused, 'in the head')
})

t.test('a head that would take long to parse is refused, and none is made', async t => {
  t.equal(outcome(plain, '=r', forged('['.repeat(1_000_000) + ']'.repeat(1_000_000))), refused)
  const [few, many] = [3_000, 10_000].map(count => ({ ...envelopes[0], except: Array.from({ length: count }, (_, index) => `${index}`.padStart(30, 'x')) }))
  t.same(plain.decode('=r', plain.encode('=r', few)), [few])
  t.throws(() => plain.encode('=r', many), { code: 'FST_ERR_WS_SEND_INVALID' })
  t.equal(outcome(plain, '=r', forged({ kind: 'json', node: 'n', seq: 1, except: many.except })), refused)
})

t.test('what a head has besides is left behind', async t => {
  const [envelope] = plain.decode('=r', forged('{"kind":"text","node":"n","seq":1,"payload":"x","__proto__":{"seq":9},"code":1}', Buffer.from('y')))
  t.same(envelope, { kind: 'text', node: 'n', seq: 1, payload: 'y', except: [] })
  t.same(Object.keys(envelope).sort(), ['except', 'kind', 'node', 'payload', 'seq'])
})

t.test('bytes that came are not kept with what is decoded from them', async t => {
  const bytes = Buffer.concat(Array.from({ length: 100 }, () => plain.encode('=r', envelopes[2])))
  const decoded = plain.decode('=r', bytes)
  bytes.fill(0)
  for (const envelope of decoded) {
    if (envelope.kind !== 'binary' || !Buffer.isBuffer(envelope.payload)) throw new Error('not binary')
    if (envelope.payload.buffer === bytes.buffer) t.fail('it has the memory of all of them')
    t.same(envelope.payload, envelopes[2].kind === 'binary' && envelopes[2].payload)
  }
})
