import { binary, close, continuation, frame, hex, ping, pong, text } from '../../helpers/bytes.ts'
import { expect, fails, noise, prose, section, send, sendAll } from '../case.ts'
import type { Step } from '../case.ts'
import { DeflateWriter } from '../deflate-bytes.ts'

const rsv1 = { rsv: 4 }
const writer = (): DeflateWriter => new DeflateWriter()

/** Literal bytes as the payload of a compressed message, and what they stand for. */
const stands = (bytes: Buffer, message: string): Step[] => [send(text(bytes, rsv1)), expect({ text: message })]

/** Bytes that refer to the message before, where the client may keep its window; the same message by itself where it may not. */
const refers = (bytes: Buffer, alone: Buffer, message: string): Step[] => [
  send(({ agreed }) => text(agreed.clientTakeover ? bytes : alone, rsv1)), expect({ text: message })
]

const hello = hex('f248cdc9c90700')

export const streams = section(14, 'Compressed streams', group => {
  group('the examples of RFC 7692', 'RFC 7692 section 7.2.3', add => {
    add('one block, 7.2.3.1', stands(hello, 'Hello'))
    add('one block in two fragments, 7.2.3.1', [sendAll(text(hex('f248cd'), { ...rsv1, fin: false }), continuation(hex('c9c90700'))), expect({ text: 'Hello' })])
    add('a shared window, 7.2.3.2', [...stands(hello, 'Hello'), ...refers(hex('f200110000'), hello, 'Hello')])
    add('a block without compression, 7.2.3.3', stands(hex('000500faff48656c6c6f00'), 'Hello'))
    add('a final block, 7.2.3.4', stands(hex('f348cdc9c9070000'), 'Hello'))
    add('two blocks, 7.2.3.5', stands(hex('f248050000 00ffffcac9c90700'), 'Hello'))
    add('an empty message, 7.2.3.6', stands(hex('00'), ''))
    add('all of them on one connection', [
      ...stands(hello, 'Hello'), ...stands(hex('000500faff48656c6c6f00'), 'Hello'), ...stands(hex('f348cdc9c9070000'), 'Hello'),
      ...stands(hex('f248050000 00ffffcac9c90700'), 'Hello'), ...stands(hex('00'), '')
    ])
  }, { needs: 'deflate' })

  group('empty messages', 'RFC 7692 section 7.2.3.6', add => {
    add('binary', [send(binary(hex('00'), rsv1)), expect({ binary: '' })])
    add('an empty fixed block', stands(writer().fixed('').flushed(), ''))
    add('an empty final block', stands(writer().fixed('', { final: true }).align().flushed(), ''))
    add('ten empty stored blocks', stands(Array.from({ length: 10 }).reduce<DeflateWriter>(stream => stream.stored(''), writer()).flushed(), ''))
    add('in two fragments, the first empty', [sendAll(text('', { ...rsv1, fin: false }), continuation(hex('00'))), expect({ text: '' })])
    add('twenty, one after the other', Array.from({ length: 20 }, () => stands(hex('00'), '')).flat())
  }, { needs: 'deflate' })

  group('blocks of all kinds', 'RFC 1951 section 3.2', add => {
    add('stored', stands(writer().stored('stored').flushed(), 'stored'))
    add('fixed', stands(writer().fixed('fixed é').flushed(), 'fixed é'))
    add('stored, then fixed, then stored', stands(writer().stored('a').fixed('b').stored('c').flushed(), 'abc'))
    add('stored, 65,535 bytes', [send(binary(writer().stored(noise(65_535)).flushed(), rsv1)), expect({ binary: noise(65_535) })])
    add('a hundred', stands(Array.from({ length: 100 }).reduce<DeflateWriter>(stream => stream.fixed('x'), writer()).flushed(), 'x'.repeat(100)))
    add('a thousand empty ones, then one', stands(Array.from({ length: 1000 }).reduce<DeflateWriter>(stream => stream.fixed(''), writer()).fixed('x').flushed(), 'x'))
    add('the shortest match', stands(writer().fixed([97, 98, 99, { length: 3, distance: 3 }]).flushed(), 'abcabc'))
    add('the longest match', stands(writer().fixed([97, { length: 258, distance: 1 }]).flushed(), 'a'.repeat(259)))
    for (const length of [3, 4, 10, 11, 18, 19, 66, 67, 130, 131, 257, 258]) {
      add(`a match of ${length}`, stands(writer().fixed([97, 98, { length, distance: 2 }]).flushed(), 'ab'.repeat(200).slice(0, length + 2)))
    }
    add('a match across blocks', stands(writer().stored('abc').fixed([{ length: 3, distance: 3 }]).flushed(), 'abcabc'))
    add('a flush in the middle', stands(Buffer.concat([hello, hex('0000ffff'), writer().fixed(' again').flushed()]), 'Hello again'))
  }, { needs: 'deflate' })

  group('final blocks within a message', 'RFC 7692 section 7.2.3.4', add => {
    const final = { final: true }
    add('a stored one', stands(writer().stored('final', final).flushed(), 'final'))
    add('a fixed one', stands(writer().fixed('final', final).align().flushed(), 'final'))
    add('one, then another block', stands(writer().fixed('a', final).align().fixed('b').flushed(), 'ab'))
    add('one, then a stored block', stands(writer().stored('a', final).stored('b').flushed(), 'ab'))
    add('three', stands(writer().fixed('a', final).align().stored('b', final).fixed('c', final).align().flushed(), 'abc'))
    add('sixteen', stands(Array.from({ length: 16 }).reduce<DeflateWriter>(stream => stream.stored('x', final), writer()).flushed(), 'x'.repeat(16)))
    add('one, then a match into it', stands(writer().fixed('Hello', final).align().fixed([{ length: 5, distance: 5 }]).flushed(), 'HelloHello'))
    add('a stored one, then a match into it', stands(writer().stored('Hello', final).fixed([{ length: 5, distance: 5 }]).flushed(), 'HelloHello'))
    add('one, then a message that refers to it', [...stands(hex('f348cdc9c9070000'), 'Hello'), ...refers(hex('f200110000'), hello, 'Hello')])
    add('one, then an ordinary message', [...stands(hex('f348cdc9c9070000'), 'Hello'), ...stands(hello, 'Hello')])
    add('one in a first fragment', [
      sendAll(text(writer().stored('a', final).bytes(), { ...rsv1, fin: false }), continuation(writer().fixed('b').flushed())), expect({ text: 'ab' })
    ])
    add('one a byte at a time', [send(text(writer().fixed('a', final).align().fixed('b').flushed(), rsv1), 1), expect({ text: 'ab' })])
    add('one in fragments of a byte', [
      send(Buffer.concat([...writer().fixed('Hello', final).align().fixed([{ length: 5, distance: 5 }]).flushed()].map((byte, i, all) =>
        frame({ opcode: i === 0 ? 1 : 0, rsv: i === 0 ? 4 : 0, fin: i === all.length - 1, payload: Buffer.of(byte) })))),
      expect({ text: 'HelloHello' })
    ])
  }, { needs: 'deflate' })

  group('data that is no stream', 'RFC 7692 section 7.2.2', add => {
    const bad: Array<[string, Buffer]> = [
      ['a block of the reserved type', writer().bits(0, 1).bits(3, 2).align().bytes()],
      ['a reserved block after a good one', writer().fixed('Hello').bits(0, 1).bits(3, 2).align().bytes()],
      ['a stored block whose length is not confirmed', hex('00 0500 0000 48656c6c6f 00')],
      ['a match before the beginning', writer().fixed([{ length: 3, distance: 10 }]).flushed()],
      ['a match far before the beginning', writer().fixed([97, 98, { length: 3, distance: 32_768 }]).flushed()],
      ['a length code that stands for nothing', writer().bits(0, 1).bits(1, 2).symbol(97).symbol(286).flushed()],
      ['a distance code that stands for nothing', writer().bits(0, 1).bits(1, 2).symbol(97).symbol(257).bits(0b01111, 5).flushed()],
      ['codes of too many lengths', hex('ed fd 01 00')],
      ['0xff again and again', Buffer.alloc(100, 0xff)],
      ['text that is not compressed', Buffer.from('this is not compressed at all, is it?')],
      ['a stream of zlib', hex('789cf248cdc9c907000000ffff')],
      ['a stream of gzip', hex('1f8b0800000000000003f348cdc9c90700')]
    ]
    for (const [title, bytes] of bad) {
      add(title, [send(binary(bytes, rsv1)), fails(1007)])
      add(`${title}, text`, [send(text(bytes, rsv1)), fails(1007)])
      add(`${title}, in fragments`, [sendAll(binary(bytes.subarray(0, 1), { ...rsv1, fin: false }), continuation(bytes.subarray(1))), fails(1007)])
      add(`${title}, after a good message`, [sendAll(text(hello, rsv1), binary(bytes, rsv1)), expect({ text: 'Hello' }), fails(1007)])
      add(`${title}, before a ping`, [sendAll(binary(bytes, rsv1)), fails(1007)])
    }
  }, { needs: 'deflate' })

  group('streams that end within a block', 'RFC 7692 section 7.2.2', add => {
    const dynamic = hex('0dc0010100000080a03fadc1')
    const cutOff: Array<[string, Buffer]> = [
      ['a fixed block without its end', writer().fixed('Hello', { ended: false }).align().bytes()],
      ['a fixed block after two bytes', hello.subarray(0, 2)],
      ['a fixed block after four bytes', hello.subarray(0, 4)],
      ['a stored block of 5 with 2', hex('00 0500 faff 4865')],
      ['a stored block of 6 with 1, which a flush does not fill', hex('00 0600 f9ff 48')],
      ['a stored block of 65,535 with 5', hex('00 ffff 0000 48656c6c6f')],
      ['a stored block after its first length', hex('00 0500')],
      ['a final stored block of 65,535 with 5', hex('01 ffff 0000 48656c6c6f')],
      ['a block with codes of its own after its header', dynamic.subarray(0, 3)],
      ['a final fixed block without its end', writer().fixed('Hello', { ended: false, final: true }).align().bytes()]
    ]
    for (const [title, bytes] of cutOff) {
      add(title, [send(binary(bytes, rsv1)), fails(1007)])
      add(`${title}, text`, [send(text(bytes, rsv1)), fails(1007)])
      add(`${title}, in fragments`, [sendAll(binary(bytes, { ...rsv1, fin: false }), continuation('')), fails(1007)])
    }
    add('then a message that would complete it', [sendAll(binary(hello.subarray(0, 4), rsv1), binary(hello.subarray(4), rsv1)), fails(1007)])
  }, { needs: 'deflate' })

  group('RSV1 where it must not be', 'RFC 7692 section 6.1', add => {
    add('on a continuation', [sendAll(text(hello.subarray(0, 3), { ...rsv1, fin: false }), continuation(hello.subarray(3), rsv1)), fails(1002)])
    add('on a continuation in between', [
      sendAll(text(hello.subarray(0, 3), { ...rsv1, fin: false }), continuation(hello.subarray(3), { ...rsv1, fin: false })), fails(1002)
    ])
    add('on a continuation of a message that is not compressed', [sendAll(text('a', { fin: false }), continuation(hello, rsv1)), fails(1002)])
    add('on a ping', [send(ping('', rsv1)), fails(1002)])
    add('on a ping with a payload', [send(ping(hello, rsv1)), fails(1002)])
    add('on a pong', [send(pong(hello, rsv1)), fails(1002)])
    add('on a close', [send(close(1000, '', rsv1)), fails(1002)])
    add('on an empty close', [send(close(undefined, '', rsv1)), fails(1002)])
    add('on a ping within a compressed message', [sendAll(text(hello.subarray(0, 3), { ...rsv1, fin: false }), ping('', rsv1)), fails(1002)])
    add('on a reserved opcode', [send(frame({ opcode: 3, ...rsv1 })), fails(1002)])
    for (const rsv of [1, 2, 3, 5, 6, 7]) {
      add(`RSV ${rsv.toString(2).padStart(3, '0')} on a text`, [send(text(hello, { rsv })), fails(1002)])
      add(`RSV ${rsv.toString(2).padStart(3, '0')} on a binary, after a good message`, [
        sendAll(text(hello, rsv1), binary(hello, { rsv })), expect({ text: 'Hello' }), fails(1002)
      ])
    }
    add('a continuation of nothing', [send(continuation(hello, rsv1)), fails(1002)])
    add('a new compressed message within one', [sendAll(text(hello.subarray(0, 3), { ...rsv1, fin: false }), text(hello, rsv1)), fails(1002)])
  }, { needs: 'deflate' })

  group('messages that are not compressed', 'RFC 7692 section 6.1', add => {
    add('a text', [send(text('plain')), expect({ text: 'plain' })])
    add('in fragments', [sendAll(text('pl', { fin: false }), continuation('ain')), expect({ text: 'plain' })])
    add('a large one', [send(binary(prose(100_000))), expect({ binary: prose(100_000) })])
    add('what looks like a stream', [send(binary(hello)), expect({ binary: hello })])
    add('one is not part of the window', [...stands(hello, 'Hello'), send(text('plain')), expect({ text: 'plain' }), ...refers(hex('f200110000'), hello, 'Hello')])
    add('not UTF-8', [send(text(hex('ff'))), fails(1007)])
  }, { needs: 'deflate' })

  group('the window from message to message', 'RFC 7692 section 7.2.3.2', add => {
    const later = (count: number): Step[] => Array.from({ length: count }, () => refers(hex('f200110000'), hello, 'Hello')).flat()
    add('twenty messages, each of the one before', [...stands(hello, 'Hello'), ...later(20)])
    add('after an empty message', [...stands(hello, 'Hello'), ...stands(hex('00'), ''), ...later(1)])
    add('after a ping', [...stands(hello, 'Hello'), send(ping('now')), expect({ pong: 'now' }), ...later(1)])
    for (const size of [1000, 30_000, 32_768, 40_000, 100_000]) {
      add(`three messages of ${size} bytes that do not compress but repeat`, [0, 1, 2].flatMap(() => [
        send(deflation => binary(deflation.compress(noise(size)), rsv1)), expect({ binary: noise(size) })
      ]))
    }
    add('none, where the client gives it up: what refers to it is no stream', [...stands(hello, 'Hello'), send(text(hex('f200110000'), rsv1)), fails(1007)], {
      offer: 'permessage-deflate; client_no_context_takeover', reply: { deflate: 'agreed', headers: { 'sec-websocket-extensions': /client_no_context_takeover/ } }
    })
  }, { needs: 'deflate' })
})
