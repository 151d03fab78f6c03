import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import type { Test } from 'tap'
import { parseExtensions } from '../../lib/protocol/extensions.ts'
import type { ExtensionOffer } from '../../lib/protocol/extensions.ts'
import { HandshakeError } from '../../lib/protocol/handshake-error.ts'
import { holds } from '../helpers/property.ts'

const mostOfAHeader = 16 * 1024

function offer (name: string, ...parameters: Array<[name: string, value: string | null]>): ExtensionOffer {
  return { name, parameters: parameters.map(([name, value]) => ({ name, value })) }
}

function isMalformed (t: Test, header: string): void {
  t.throws(() => parseExtensions(header), { name: 'HandshakeError', fault: 'extension' }, JSON.stringify(header))
}

/* What RFC 6455 section 9.1 and RFC 7692 section 7 show. */

t.test('an extension is a token', async t => {
  t.same(parseExtensions('foo'), [offer('foo')])
  t.same(parseExtensions("!#$%&'*+-.^_`|~09AZaz"), [offer("!#$%&'*+-.^_`|~09AZaz")])
})

t.test('a parameter has a value or none', async t => {
  t.same(parseExtensions('bar; baz=2'), [offer('bar', ['baz', '2'])])
  t.same(parseExtensions('bar; baz'), [offer('bar', ['baz', null])])
})

t.test('parameters and extensions keep their order, repeated ones too', async t => {
  t.same(parseExtensions('foo, bar; baz=2; a; baz=1, foo'), [offer('foo'), offer('bar', ['baz', '2'], ['a', null], ['baz', '1']), offer('foo')])
})

t.test('the offers of RFC 7692 section 7.1 are read', async t => {
  t.same(parseExtensions('permessage-deflate; client_max_window_bits; server_max_window_bits=10, permessage-deflate; client_max_window_bits'), [
    offer('permessage-deflate', ['client_max_window_bits', null], ['server_max_window_bits', '10']),
    offer('permessage-deflate', ['client_max_window_bits', null])
  ])
})

t.test('names are not folded', async t => {
  t.same(parseExtensions('Foo; Bar=Baz'), [offer('Foo', ['Bar', 'Baz'])])
})

t.test('names of what every object has are names like others', async t => {
  t.same(parseExtensions('__proto__; constructor=toString'), [offer('__proto__', ['constructor', 'toString'])])
})

/* Quoted strings. */

t.test('a value may be quoted', async t => {
  t.same(parseExtensions('a; b="10"'), [offer('a', ['b', '10'])])
  t.same(parseExtensions('a; b="10", c'), [offer('a', ['b', '10']), offer('c')])
})

t.test('a quoted value may have escapes, which do not count', async t => {
  t.same(parseExtensions('a; b="\\1\\0"'), [offer('a', ['b', '10'])])
  t.same(parseExtensions('a; b="1\\0"; c=d'), [offer('a', ['b', '10'], ['c', 'd'])])
})

t.test('a quoted value must be a token once it is unescaped', async t => {
  for (const value of ['""', '" "', '"1 0"', '"a,b"', '"a;b"', '"\\""', '"\\\\"', '"a=b"', '"é"']) isMalformed(t, `a; b=${value}`)
})

t.test('a quoted value must end', async t => {
  for (const value of ['"', '"10', '"10\\', '"10\\"', '"\\']) isMalformed(t, `a; b=${value}`)
})

t.test('nothing but a separator follows a quoted value', async t => {
  for (const rest of ['c', '"c"', ' c', '=c']) isMalformed(t, `a; b="10"${rest}`)
})

t.test('names are not quoted', async t => {
  for (const header of ['"a"', 'a; "b"', 'a; "b"=c', 'a"b"']) isMalformed(t, header)
})

/* Lists and white space. */

t.test('empty elements of the list do not count', async t => {
  t.same(parseExtensions(',a,,b,'), [offer('a'), offer('b')])
  t.same(parseExtensions(' , \t, a; b=c ,\t, d ,'), [offer('a', ['b', 'c']), offer('d')])
})

t.test('a list of nothing else is malformed', async t => {
  for (const header of ['', ' ', '\t', ',', ' , ,']) isMalformed(t, header)
})

t.test('spaces and tabs around a separator do not count', async t => {
  t.same(parseExtensions('\t a \t;\t b \t=\t c \t;\td="e" \t,\t f \t'), [offer('a', ['b', 'c'], ['d', 'e']), offer('f')])
})

t.test('no other white space is any', async t => {
  for (const space of ['\n', '\r', '\v', '\f', '\u00a0', '\u2003', '\ufeff']) {
    isMalformed(t, `a;${space}b`)
    isMalformed(t, `${space}a`)
  }
})

t.test('white space does not separate', async t => {
  for (const header of ['a b', 'a; b c', 'a; b=c d', 'a\tb']) isMalformed(t, header)
})

t.test('what is missing is malformed', async t => {
  for (const header of [';', 'a;', 'a;;b', 'a; ,b', 'a; =', 'a; =b', 'a; b=', 'a; b=,c', 'a; b=;c', '=a', 'a=b', ';a', 'a; b==c']) isMalformed(t, header)
})

t.test('a header that was read before is read the same, whatever was read since', async t => {
  const header = 'permessage-deflate; client_max_window_bits, foo; a=1'
  const offers = parseExtensions(header)
  t.same(parseExtensions(header), offers)
  t.same(parseExtensions('foo'), [offer('foo')])
  isMalformed(t, 'foo;')
  t.same(parseExtensions('foo'), [offer('foo')])
  t.same(parseExtensions(header), offers)
})

t.test('what is no character of a token is malformed', async t => {
  for (const character of '()<>@:\\/[]?{}\0\x7fé\u0100😀') {
    isMalformed(t, character)
    isMalformed(t, `a; b=${character}`)
    isMalformed(t, `a; b${character}`)
  }
})

t.test('one malformed element makes the header malformed', async t => {
  isMalformed(t, 'permessage-deflate, a; b=')
  isMalformed(t, 'a; b=, permessage-deflate')
})

/* 16 KiB of anything. Were the time quadratic in the length, each of these would take seconds, and the test its patience. */

const shapes = [
  ',', ', ', ' ', '\t', ';', '=', '"', '\\', 'a', 'a,', 'a;', 'a;b', 'a;b=', 'a;b=c;', 'a;b="', 'a;b="\\', 'a;b="c"', 'a;b="c",', ' ,', 'a ', 'a;b=" '
]

t.test('16 KiB of any shape are read or refused, over and over', async t => {
  for (const shape of shapes) {
    for (const start of ['', 'a', 'a;', 'a;b="', 'a; b=']) {
      const header = (start + shape.repeat(mostOfAHeader)).slice(0, mostOfAHeader)
      for (let i = 0; i < 5; i++) {
        try {
          assert.ok(parseExtensions(header).length > 0)
        } catch (error) {
          assert.ok(error instanceof HandshakeError, `${start}${shape}: ${String(error)}`)
        }
      }
    }
  }
  t.equal(parseExtensions('a,'.repeat(mostOfAHeader / 2)).length, mostOfAHeader / 2)
})

/* Any list. */

const tokenCharacters = "!#$%&'*+-.^_`|~0123456789ABCXYZabcxyz"
const anyToken = fc.string({ unit: fc.constantFrom(...tokenCharacters), minLength: 1, maxLength: 8 })
const anySpace = fc.string({ unit: fc.constantFrom(' ', '\t'), maxLength: 2 })

/** A value as it may be written: bare, or quoted with any of its characters escaped. */
const anyValue = fc.tuple(anyToken, fc.boolean(), fc.infiniteStream(fc.boolean())).map(([value, isQuoted, coins]) => ({
  value,
  written: isQuoted ? `"${[...value].map(character => coins.next().value === true ? `\\${character}` : character).join('')}"` : value
}))

const anyParameter = fc.tuple(anyToken, fc.option(anyValue), anySpace, anySpace).map(([name, value, before, after]) => ({
  parameter: { name, value: value === null ? null : value.value },
  written: value === null ? name : `${name}${before}=${after}${value.written}`
}))

const anyOffer = fc.tuple(anyToken, fc.array(anyParameter, { maxLength: 3 }), anySpace, anySpace).map(([name, parameters, before, after]) => ({
  offer: { name, parameters: parameters.map(({ parameter }) => parameter) },
  written: [name, ...parameters.map(({ written }) => written)].join(`${before};${after}`)
}))

const anyComma = fc.array(anySpace, { minLength: 2, maxLength: 4 }).map(spaces => spaces.join(','))
const anyHeader = fc.tuple(fc.array(anyOffer, { minLength: 1, maxLength: 4 }), anyComma, anySpace).map(([offers, comma, end]) => ({
  offers: offers.map(({ offer }) => offer),
  header: end + offers.map(({ written }) => written).join(comma) + end
}))

t.test('any list is read as it was written', async t => {
  holds(t, fc.property(anyHeader, ({ header, offers }) => {
    assert.deepEqual(parseExtensions(header), offers)
  }), { numRuns: 1000 })
})

t.test('any characters whatsoever are read or refused', async t => {
  const anyCharacter = fc.oneof(fc.constantFrom(...'ab,;="\\ \t'), fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }))
  holds(t, fc.property(fc.string({ unit: anyCharacter, maxLength: 40 }), header => {
    try {
      const offers = parseExtensions(header)
      const written = offers.map(({ name, parameters }) => [name, ...parameters.map(({ name, value }) => value === null ? name : `${name}=${value}`)].join(';'))
      assert.deepEqual(parseExtensions(written.join(',')), offers)
    } catch (error) {
      assert.ok(error instanceof HandshakeError)
    }
  }), { numRuns: 2000 })
})
