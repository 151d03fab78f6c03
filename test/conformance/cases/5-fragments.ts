import { binary, close, continuation, cut, frame, ping, pong, text } from '../../helpers/bytes.ts'
import { expect, fails, noise, prose, section, send, sendAll } from '../case.ts'

const start = (payload: string | Buffer): Buffer => text(payload, { fin: false })
const more = (payload: string | Buffer): Buffer => continuation(payload, { fin: false })
const end = (payload: string | Buffer): Buffer => continuation(payload)

/** A message in fragments of `size`. */
function fragments (opcode: 1 | 2, payload: Buffer, size: number): Buffer[] {
  const parts = cut(payload, size)
  return parts.map((part, i) => frame({ opcode: i === 0 ? opcode : 0, fin: i === parts.length - 1, payload: part }))
}

export const fragmentation = section(5, 'Fragmentation', group => {
  group('messages in fragments', 'RFC 6455 section 5.4', add => {
    for (const size of [1, 2, 3, 10, 125, 126, 1000]) {
      const bytes = Buffer.concat(fragments(1, prose(1000), size))
      add(`text in fragments of ${size} bytes`, [send(bytes), expect({ text: prose(1000) })])
      add(`text in fragments of ${size} bytes, in TCP segments of 11`, [send(bytes, 11), expect({ text: prose(1000) })])
      add(`binary in fragments of ${size} bytes`, [sendAll(...fragments(2, noise(1000), size)), expect({ binary: noise(1000) })])
    }
    add('two messages in fragments, one after the other', [
      sendAll(...fragments(1, prose(100), 10), ...fragments(2, noise(100), 10)), expect({ text: prose(100) }, { binary: noise(100) })
    ])
    add('in fragments of which each is a segment', [...fragments(1, prose(300), 60).map(bytes => send(bytes, [bytes.length])), expect({ text: prose(300) })])
  })

  group('empty fragments', 'RFC 6455 section 5.4', add => {
    add('all of three', [sendAll(start(''), more(''), end('')), expect({ text: '' })])
    add('all of three, binary', [sendAll(binary('', { fin: false }), more(''), end('')), expect({ binary: '' })])
    add('first and last', [sendAll(start(''), more('middle'), end('')), expect({ text: 'middle' })])
    add('in the middle', [sendAll(start('a'), more(''), end('b')), expect({ text: 'ab' })])
    add('a thousand', [sendAll(start('a'), ...Array.from({ length: 1000 }, () => more('')), end('b')), expect({ text: 'ab' })])
    add('a byte at a time', [send(Buffer.concat([start(''), more(''), end('')]), 1), expect({ text: '' })])
  })

  group('control frames between fragments', 'RFC 6455 section 5.4', add => {
    for (const pieces of [undefined, 1, 3]) {
      const how = pieces === undefined ? 'in one segment' : `${pieces} bytes at a time`
      add(`a ping, ${how}`, [send(Buffer.concat([start('a'), ping('now'), end('b')]), pieces), expect({ pong: 'now' }, { text: 'ab' })])
      add(`a ping before each of many, ${how}`, [
        send(Buffer.concat([start('a'), ping('1'), more('b'), ping('2'), more('c'), ping('3'), end('d')]), pieces),
        expect({ pong: '1' }, { pong: '2' }, { pong: '3' }, { text: 'abcd' })
      ])
      add(`a pong, ${how}`, [send(Buffer.concat([start('a'), pong('now'), end('b')]), pieces), expect({ text: 'ab' })])
    }
    add('a ping is answered before the message is complete', [sendAll(start('a'), ping('now')), expect({ pong: 'now' }), send(end('b')), expect({ text: 'ab' })])
    add('a ping is answered after two fragments', [
      sendAll(start('a'), more('b'), ping('now')), expect({ pong: 'now' }), send(end('c')), expect({ text: 'abc' })
    ])
    add('a close frame ends the connection, the message is lost', [sendAll(start('a'), close(1000), end('b')), fails(1000)])
    add('a close frame after a ping', [sendAll(start('a'), ping('now'), close(1000)), expect({ pong: 'now' }), fails(1000)])
  })

  group('fragmented control frames are refused', 'RFC 6455 section 5.5', add => {
    for (const [name, opcode] of [['ping', 9], ['pong', 10], ['close', 8]] as const) {
      add(`a ${name}`, [send(frame({ opcode, fin: false })), fails(1002)])
      add(`a ${name} with a payload`, [send(frame({ opcode, fin: false, payload: Buffer.from([0x03, 0xe8]) })), fails(1002)])
      add(`a ${name} and its continuation`, [sendAll(frame({ opcode, fin: false }), end('')), fails(1002)])
      add(`a ${name} within a message`, [sendAll(start('a'), frame({ opcode, fin: false }), end('b')), fails(1002)])
    }
  })

  group('continuations of nothing are refused', 'RFC 6455 section 5.4', add => {
    for (const fin of [true, false]) {
      const kind = fin ? 'final' : 'not final'
      const bytes = continuation('nothing', { fin })
      add(`${kind}, first of all`, [send(bytes), fails(1002)])
      add(`${kind}, a byte at a time`, [send(bytes, 1), fails(1002)])
      add(`${kind}, empty`, [send(continuation('', { fin })), fails(1002)])
      add(`${kind}, after a whole message`, [sendAll(text('whole'), bytes), expect({ text: 'whole' }), fails(1002)])
      add(`${kind}, after a fragmented message`, [sendAll(start('a'), end('b'), bytes), expect({ text: 'ab' }), fails(1002)])
      add(`${kind}, after a ping`, [sendAll(ping('now'), bytes), expect({ pong: 'now' }), fails(1002)])
      add(`${kind}, before its payload has come`, [send(bytes.subarray(0, 6)), fails(1002)])
      add(`${kind}, then a message that would be right`, [sendAll(bytes, text('after')), fails(1002)])
    }
  })

  group('a new message within one is refused', 'RFC 6455 section 5.4', add => {
    for (const [name, other] of [['text', text], ['binary', binary]] as const) {
      for (const fin of [true, false]) {
        const kind = `${name}, ${fin ? 'final' : 'not final'}`
        add(`${kind}, in text`, [sendAll(start('a'), other('new', { fin })), fails(1002)])
        add(`${kind}, in binary`, [sendAll(binary('a', { fin: false }), other('new', { fin })), fails(1002)])
        add(`${kind}, after a continuation`, [sendAll(start('a'), more('b'), other('new', { fin }), end('c')), fails(1002)])
        add(`${kind}, after a ping`, [sendAll(start('a'), ping('now'), other('new', { fin })), expect({ pong: 'now' }), fails(1002)])
      }
    }
    add('before its payload has come', [sendAll(start('a'), text('new').subarray(0, 6)), fails(1002)])
  })

  group('messages that are never ended', 'RFC 6455 section 5.4', add => {
    add('one fragment, then a close', [send(start('a')), send(close(1000)), fails(1000)])
    add('a hundred fragments, then a close', [sendAll(start('a'), ...Array.from({ length: 100 }, () => more('b'))), send(close(1000)), fails(1000)])
  })
})
