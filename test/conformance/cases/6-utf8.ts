import { continuation, cut, frame, ping, text } from '../../helpers/bytes.ts'
import { expect, fails, section, send, sendAll } from '../case.ts'
import { hopeless, incomplete, invalid, nonCharacterPoints, points, texts } from './utf8-samples.ts'

const inFragments = (payload: Buffer, size = 1): Buffer[] =>
  [...cut(payload, size), Buffer.alloc(0)].map((part, i) => frame({ opcode: i === 0 ? 1 : 0, fin: part.length === 0, payload: part }))

/** Both parts of a text that is cut at `at`. */
const inTwo = (payload: Buffer, at: number): Buffer[] => [text(payload.subarray(0, at), { fin: false }), continuation(payload.subarray(at))]

const long = Buffer.from('κόσμος €🐙 '.repeat(100))

export const utf8 = section(6, 'UTF-8', group => {
  const rfc = 'RFC 6455 section 8.1'

  group('valid text', rfc, add => {
    for (const [title, bytes] of [...points, ...nonCharacterPoints, ...texts]) {
      add(title, [send(text(bytes)), expect({ text: bytes })])
      add(`${title}, in fragments of one byte`, [sendAll(...inFragments(bytes)), expect({ text: bytes })])
    }
    for (const [title, bytes] of [...points, ...texts]) {
      add(`${title}, a byte at a time`, [send(text(bytes), 1), expect({ text: bytes })])
    }
  })

  group('valid text cut everywhere', rfc, add => {
    const sample = Buffer.from('aé€🐙')
    for (let at = 1; at < sample.length; at++) {
      add(`in two fragments, after byte ${at}`, [sendAll(...inTwo(sample, at)), expect({ text: sample })])
      add(`in two fragments with a ping between, after byte ${at}`, [
        sendAll(inTwo(sample, at)[0], ping('now'), inTwo(sample, at)[1]), expect({ pong: 'now' }, { text: sample })
      ])
      add(`in two segments of a frame, after byte ${at}`, [send(text(sample), [6 + at]), expect({ text: sample })])
    }
    for (const size of [1, 2, 3, 5, 7, 64]) add(`a long one in fragments of ${size}`, [sendAll(...inFragments(long, size)), expect({ text: long })])
    for (const size of [1, 2, 3, 5, 7, 64]) add(`a long one in segments of ${size}`, [send(text(long), size), expect({ text: long })])
  })

  group('invalid text', rfc, add => {
    for (const [title, bytes] of invalid) {
      add(title, [send(text(bytes)), fails(1007)])
      add(`${title}, a byte at a time`, [send(text(bytes), 1), fails(1007)])
      add(`${title}, in fragments of one byte`, [sendAll(...inFragments(bytes)), fails(1007)])
      add(`${title}, between valid text`, [send(text(Buffer.concat([long, bytes, long]))), fails(1007)])
    }
  })

  group('text that ends too early', rfc, add => {
    for (const [title, bytes] of incomplete) {
      add(title, [send(text(bytes)), fails(1007)])
      add(`${title}, a byte at a time`, [send(text(bytes), 1), fails(1007)])
      add(`${title}, in fragments of one byte`, [sendAll(...inFragments(bytes)), fails(1007)])
      add(`${title}, in the last fragment`, [sendAll(text('a', { fin: false }), continuation(bytes)), fails(1007)])
      add(`${title}, then a message that would complete it`, [sendAll(text(bytes), text(Buffer.of(0x80))), fails(1007)])
    }
  })

  group('the first bad byte of a frame that is not complete', rfc, add => {
    for (const [title, bytes] of hopeless) {
      const whole = text(Buffer.concat([Buffer.from('abc'), bytes, Buffer.alloc(100, 'x')]))
      const upTo = 6 + 3 + bytes.length
      add(`${title}, in one segment`, [send(whole.subarray(0, upTo)), fails(1007)])
      add(`${title}, a byte at a time`, [send(whole.subarray(0, upTo), 1), fails(1007)])
      const large = text(Buffer.concat([long, bytes, Buffer.alloc(70_000, 'x')]))
      add(`${title}, in a large frame`, [send(large.subarray(0, 14 + long.length + bytes.length)), fails(1007)])
    }
  })

  group('the first bad byte of a message that is not complete', rfc, add => {
    for (const [title, bytes] of hopeless) {
      add(`${title}, in a first fragment`, [send(text(Buffer.concat([Buffer.from('abc'), bytes]), { fin: false })), fails(1007)])
      add(`${title}, in a second fragment`, [sendAll(text('abc', { fin: false }), continuation(bytes, { fin: false })), fails(1007)])
      if (bytes.length > 1) {
        add(`${title}, across fragments`, [
          sendAll(text(bytes.subarray(0, -1), { fin: false }), continuation(bytes.subarray(-1), { fin: false })), fails(1007)
        ])
        add(`${title}, across fragments with a ping between`, [
          sendAll(text(bytes.subarray(0, -1), { fin: false }), ping('now')), expect({ pong: 'now' }),
          send(continuation(bytes.subarray(-1), { fin: false })), fails(1007)
        ])
        add(`${title}, across fragments, the second not complete`, [
          sendAll(text(bytes.subarray(0, -1), { fin: false }), continuation(Buffer.concat([bytes.subarray(-1), long])).subarray(0, 9)), fails(1007)
        ])
        add(`${title}, across empty fragments`, [
          sendAll(text(bytes.subarray(0, -1), { fin: false }), continuation('', { fin: false }), continuation(bytes.subarray(-1), { fin: false })), fails(1007)
        ])
      }
    }
  })
})
