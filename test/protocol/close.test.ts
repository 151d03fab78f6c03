import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { encodeClose, isSendableCloseCode, maxReasonBytes, parseClose, truncateReason } from '../../lib/protocol/close.ts'
import { hex } from '../helpers/bytes.ts'
import { holds } from '../helpers/property.ts'

/** RFC 6455 sections 7.4.1 and 7.4.2, and the IANA registry of close codes: which codes may stand in a frame. */
const mayBeSent = [
  [1000, 1003],
  [1007, 1011],
  [1012, 1014], // registered later: service restart, try again later, bad gateway
  [3000, 3999], // libraries, frameworks, applications
  [4000, 4999] // private use
] as const

t.test('every code from 0 to 5000, and the largest that fits, is judged by the RFC and the registry', async t => {
  const wrong: number[] = []
  for (const code of [...Array(5001).keys(), 65535]) {
    const expected = mayBeSent.some(([first, last]) => code >= first && code <= last)
    if (isSendableCloseCode(code) !== expected) wrong.push(code)
  }
  t.same(wrong, [])
})

t.test('every code from 0 to 5000 is read from a frame, or refused with 1002', async t => {
  const wrong: number[] = []
  for (let code = 0; code <= 5000; code++) {
    const payload = Buffer.from([code >>> 8, code & 0xff])
    try {
      if (parseClose(payload).code !== code || !isSendableCloseCode(code)) wrong.push(code)
    } catch (error) {
      if (isSendableCloseCode(code)) throw error
      t.match(error, { code: 'FST_ERR_WS_INVALID_CLOSE_CODE', closeCode: 1002 })
    }
  }
  t.same(wrong, [])
})

t.test('an empty payload has no code, which is reported as 1005', async t => {
  t.same(parseClose(Buffer.alloc(0)), { code: 1005, reason: '' })
})

t.test('a payload of one byte is refused with 1002', async t => {
  t.throws(() => parseClose(hex('03')), { code: 'FST_ERR_WS_CLOSE_PAYLOAD', closeCode: 1002 })
})

t.test('reads a code and its reason', async t => {
  t.same(parseClose(hex('03e9 626965')), { code: 1001, reason: 'bie' })
})

t.test('reads a reason of 123 bytes', async t => {
  const reason = 'é'.repeat(61) + '!'
  t.same(parseClose(Buffer.concat([hex('0fa0'), Buffer.from(reason)])), { code: 4000, reason })
})

for (const reason of ['ff', 'c3', 'eda080', '6f6bc080']) {
  t.test(`refuses the reason ${reason} with 1007`, async t => {
    t.throws(() => parseClose(hex(`03e8 ${reason}`)), { code: 'FST_ERR_WS_INVALID_UTF8', closeCode: 1007 })
  })
}

t.test('a bad code is refused before a bad reason', async t => {
  t.throws(() => parseClose(hex('03ed ff')), { code: 'FST_ERR_WS_INVALID_CLOSE_CODE' })
})

t.test('encodes a code and its reason', async t => {
  t.same(encodeClose(1000, ''), hex('03e8'))
  t.same(encodeClose(4999, 'é'), hex('1387 c3a9'))
})

t.test('encodes no code as an empty payload', async t => {
  t.same(encodeClose(1005, ''), Buffer.alloc(0))
})

t.test('what is encoded is read back', async t => {
  const code = fc.integer({ min: 1000, max: 4999 }).filter(isSendableCloseCode)
  const reason = fc.string({ unit: 'binary' }).filter(text => Buffer.byteLength(text) <= maxReasonBytes)
  holds(t, fc.property(code, reason, (code, reason) => {
    assert.deepEqual(parseClose(encodeClose(code, reason)), { code, reason })
  }))
})

t.test('a reason that fits is not cut', async t => {
  for (const reason of ['', 'bye', 'a'.repeat(123), 'é'.repeat(61) + 'a']) t.equal(truncateReason(reason), reason)
})

t.test('a longer reason is cut between two characters', async t => {
  t.equal(truncateReason('a'.repeat(124)), 'a'.repeat(123))
  t.equal(truncateReason('é'.repeat(62)), 'é'.repeat(61))
  t.equal(truncateReason('a' + '😀'.repeat(31)), 'a' + '😀'.repeat(30), 'one more would make 125 bytes')
})

t.test('any reason cut fits, is text, and is as long as it can be', async t => {
  holds(t, fc.property(fc.string({ unit: 'binary', maxLength: 200 }), reason => {
    const cut = truncateReason(reason)
    assert.ok(reason.startsWith(cut))
    assert.ok(Buffer.byteLength(cut) <= maxReasonBytes)
    const [next = ''] = reason.slice(cut.length)
    if (next !== '') assert.ok(Buffer.byteLength(cut + next) > maxReasonBytes)
  }))
})
