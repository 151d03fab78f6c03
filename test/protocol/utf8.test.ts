import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { decodeUtf8, decodeValidUtf8, Utf8Validator } from '../../lib/protocol/utf8.ts'
import { cut, cutAt, hex } from '../helpers/bytes.ts'
import { holds } from '../helpers/property.ts'

/** The grammar of RFC 3629 section 4, on bytes as latin1 characters. */
const grammar = new RegExp('^(?:' + [
  '[\\x00-\\x7f]',
  '[\\xc2-\\xdf][\\x80-\\xbf]',
  '\\xe0[\\xa0-\\xbf][\\x80-\\xbf]',
  '[\\xe1-\\xec\\xee\\xef][\\x80-\\xbf]{2}',
  '\\xed[\\x80-\\x9f][\\x80-\\xbf]',
  '\\xf0[\\x90-\\xbf][\\x80-\\xbf]{2}',
  '[\\xf1-\\xf3][\\x80-\\xbf]{3}',
  '\\xf4[\\x80-\\x8f][\\x80-\\xbf]{2}'
].join('|') + ')*$')

function isValid (bytes: Buffer): boolean {
  return grammar.test(bytes.toString('latin1'))
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decodes (bytes: Buffer): boolean {
  try {
    strict.decode(bytes)
    return true
  } catch {
    return false
  }
}

/** After any lead byte one of 80 and BF may follow, and then 80s. */
const completions = ['', '80', 'bf', '8080', 'bf80', '808080', 'bf8080'].map(hex)

/** How many bytes the shortest prefix has that nothing makes valid; Infinity when there is none. */
function firstFailure (bytes: Buffer): number {
  for (let length = 1; length <= bytes.length; length++) {
    const prefix = bytes.subarray(0, length)
    if (!completions.some(completion => decodes(Buffer.concat([prefix, completion])))) return length
  }
  return Infinity
}

interface Verdict {
  /** How many bytes had been given when the validator refused. */
  failedAt: number
  complete: boolean
}

function validate (pieces: Iterable<Buffer>): Verdict {
  const validator = new Utf8Validator()
  let given = 0
  for (const piece of pieces) {
    given += piece.length
    if (!validator.push(piece)) return { failedAt: given, complete: false }
  }
  return { failedAt: Infinity, complete: validator.complete }
}

const valid = {
  'nothing at all': '',
  'ASCII with NUL and DEL': '00 41 7f',
  'two bytes, first and last': 'c280 dfbf',
  'three bytes, first and last': 'e0a080 efbfbf',
  'around the surrogates': 'ed9fbf ee8080',
  'four bytes, first and last': 'f0908080 f48fbfbf',
  noncharacters: 'efbfbe f09fbfbf',
  'a byte order mark': 'efbbbf 41',
  'the replacement character itself': 'efbfbd'
}

for (const [what, bytes] of Object.entries(valid)) {
  t.test(`accepts ${what}`, async t => {
    t.equal(decodeUtf8(hex(bytes)), new TextDecoder('utf-8', { ignoreBOM: true }).decode(hex(bytes)))
    t.match(validate([hex(bytes)]), { failedAt: Infinity, complete: true })
    t.match(validate(cut(hex(bytes), 1)), { failedAt: Infinity, complete: true }, 'byte by byte too')
  })
}

/** Bytes, and at which of them there is no way on. */
const invalid: Record<string, [bytes: string, failsAt: number]> = {
  'a continuation byte alone': ['80', 1],
  'the last continuation byte alone': ['41 bf', 2],
  'one continuation byte too many': ['c3a9 80', 3],
  'overlong two bytes, C0': ['c080', 1],
  'overlong two bytes, C1': ['c1bf', 1],
  'overlong three bytes': ['e09fbf', 2],
  'overlong four bytes': ['f08fbfbf', 2],
  'the first surrogate': ['eda080', 2],
  'the last surrogate': ['edbfbf', 2],
  'a pair of surrogates': ['eda0bd edb880', 2],
  'above U+10FFFF': ['f4908080', 2],
  'lead byte F5': ['f5808080', 1],
  'lead byte F8 of five bytes': ['f888808080', 1],
  'lead byte FC of six bytes': ['fc8480808080', 1],
  'byte FE': ['fe', 1],
  'byte FF': ['ff', 1],
  'two bytes cut short by ASCII': ['c341', 2],
  'three bytes cut short at the third': ['e28241', 3],
  'four bytes cut short at the third': ['f09f41', 3],
  'four bytes cut short at the fourth': ['f09f9841', 4],
  'a lead byte after a lead byte': ['c3c3a9', 2],
  'a sequence begun inside another one': ['f09fe28280', 3]
}

for (const [what, [bytes, failsAt]] of Object.entries(invalid)) {
  t.test(`refuses ${what}, at the first byte that cannot be right`, async t => {
    t.equal(decodeUtf8(hex(bytes)), null)
    t.equal(validate([hex(bytes)]).failedAt, hex(bytes).length)
    t.equal(validate(cut(hex(bytes), 1)).failedAt, failsAt)
    t.equal(validate([hex(bytes).subarray(0, failsAt)]).failedAt, failsAt, 'without what would come after it')
  })
}

for (const bytes of ['c3', 'e2', 'e282', 'f0', 'f09f', 'f09f98', '41 c3']) {
  t.test(`${bytes} is not refused, and not complete`, async t => {
    t.same(validate([hex(bytes)]), { failedAt: Infinity, complete: false })
    t.same(validate(cut(hex(bytes), 1)), { failedAt: Infinity, complete: false })
    t.equal(decodeUtf8(hex(bytes)), null, 'as a whole text it is invalid')
  })
}

t.test('reset forgets an incomplete sequence', async t => {
  const validator = new Utf8Validator()
  validator.push(hex('f09f'))
  validator.reset()
  t.ok(validator.complete)
  t.ok(validator.push(hex('41')))
})

t.test('every code point but the surrogates is accepted', async t => {
  const validator = new Utf8Validator()
  const refused: number[] = []
  for (let codePoint = 0; codePoint <= 0x10ffff; codePoint++) {
    if (codePoint === 0xd800) codePoint = 0xe000
    if (!validator.push(Buffer.from(String.fromCodePoint(codePoint))) || !validator.complete) refused.push(codePoint)
  }
  t.same(refused, [])
})

t.test('every two bytes are judged as the grammar of RFC 3629 does', async t => {
  const wrong: string[] = []
  for (let value = 0; value <= 0xffff; value++) {
    const bytes = Buffer.from([value >>> 8, value & 0xff])
    const { failedAt, complete } = validate([bytes])
    if (isValid(bytes) !== (failedAt === Infinity && complete)) wrong.push(bytes.toString('hex'))
    if (isValid(bytes) !== (decodeUtf8(bytes) !== null)) wrong.push(bytes.toString('hex'))
  }
  t.same(wrong, [])
})

t.test('every lead byte with every second byte fails at the same byte as TextDecoder', async t => {
  const wrong: string[] = []
  for (let value = 0x8000; value <= 0xffff; value++) {
    const bytes = Buffer.from([value >>> 8, value & 0xff, 0x80, 0x80])
    if (validate(cut(bytes, 1)).failedAt !== firstFailure(bytes)) wrong.push(bytes.toString('hex'))
  }
  t.same(wrong, [])
})

/** Bytes at the borders of the grammar's ranges. */
const borderByte = fc.constantFrom(
  0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff)
const anyText = fc.string({ unit: 'binary', maxLength: 40 }).map(text => Buffer.from(text))
const nearlyText = fc.tuple(anyText, fc.array(borderByte, { maxLength: 4 }), anyText)
  .map(([before, middle, after]) => Buffer.concat([before, Buffer.from(middle), after]))
const anyBytes = fc.oneof(
  anyText,
  nearlyText,
  fc.array(borderByte, { maxLength: 12 }).map(bytes => Buffer.from(bytes)),
  fc.uint8Array({ maxLength: 20 }).map(bytes => Buffer.from(bytes))
)

t.test('any bytes in any pieces are refused with the piece that has the first failure, or not at all', async t => {
  holds(t, fc.property(anyBytes, fc.array(fc.nat(40), { maxLength: 6 }), (bytes, points) => {
    const pieces = cutAt(bytes, points)
    const failure = firstFailure(bytes)
    let given = 0
    const piece = pieces.find(piece => { given += piece.length; return given >= failure })
    const expected = piece === undefined
      ? { failedAt: Infinity, complete: decodes(bytes) }
      : { failedAt: given, complete: false }
    assert.deepEqual(validate(pieces), expected)
  }), { numRuns: 2000 })
})

t.test('any bytes are decoded as TextDecoder does, or refused', async t => {
  holds(t, fc.property(anyBytes, bytes => {
    assert.equal(decodeUtf8(bytes), decodes(bytes) ? strict.decode(bytes) : null)
  }), { numRuns: 2000 })
})

/** Sizes on both sides of where long texts take another way. */
const aroundLong = [1000, 1023, 1024, 1025, 1100, 5000, 70_000]

t.test('long texts of any kind are decoded as TextDecoder does', async t => {
  for (const unit of ['a', 'é', '€', '😀', 'aé', 'a€😀', '\ufeff', '\ufffd', '\0', '\u0080\u07ff\u0800\uffff', 'Grüße, 日本語 😀. ']) {
    for (const length of aroundLong) {
      const bytes = Buffer.from(unit.repeat(Math.ceil(length / Buffer.byteLength(unit))))
      const expected = strict.decode(bytes)
      assert.ok(decodeUtf8(bytes) === expected, `${unit} to ${bytes.length} bytes`)
      assert.ok(decodeValidUtf8(bytes) === expected, `${unit} to ${bytes.length} bytes, known to be valid`)
    }
  }
  t.pass('each as it should be')
})

t.test('what is invalid is refused wherever it stands in a long text', async t => {
  for (const [what, [bytes]] of Object.entries(invalid)) {
    for (const length of aroundLong) {
      for (const filler of ['a', 'é', '😀']) {
        const text = Buffer.from(filler.repeat(Math.ceil(length / Buffer.byteLength(filler))))
        for (const parts of [[hex(bytes), text], [text, hex(bytes)], [text, hex(bytes), text]]) {
          assert.equal(decodeUtf8(Buffer.concat(parts)), null, `${what} beside ${text.length} bytes of ${filler}`)
        }
      }
    }
  }
  t.pass('everywhere')
})
