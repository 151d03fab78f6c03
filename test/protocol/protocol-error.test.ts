import t from 'tap'
import { ProtocolError, violation } from '../../lib/protocol/protocol-error.ts'

/** RFC 6455 section 7.4.1: the codes that answer something else than a plain protocol error. */
const ownCloseCode: Record<string, number> = { invalidUtf8: 1007, corruptDeflate: 1007, tooManyFinalBlocks: 1008, messageTooBig: 1009 }

for (const [name, create] of Object.entries(violation)) {
  t.test(`${name} is a ProtocolError with a documented code and the close code of section 7.4.1`, async t => {
    const error = create()
    t.type(error, ProtocolError)
    t.type(error, Error)
    t.match(error, { name: 'ProtocolError', code: /^FST_ERR_WS_[A-Z0-9_]+$/, closeCode: ownCloseCode[name] ?? 1002 })
  })
}

t.test('no two violations share a code', async t => {
  const codes = Object.values(violation).map(create => create().code)
  t.equal(new Set(codes).size, codes.length)
})

t.test('every message fits into a close frame as its reason', async t => {
  for (const create of Object.values(violation)) t.ok(Buffer.byteLength(create().message) <= 123)
})

t.test('each violation is a new error, with its own stack', async t => {
  t.not(violation.reservedBits(), violation.reservedBits())
})
