import { binary, close, continuation, cut, frame, hex, ping, pong, text } from '../../helpers/bytes.ts'
import { expect, fails, prose, section, send, sendAll } from '../case.ts'
import { hopeless, incomplete, invalid } from './utf8-samples.ts'

/** RFC 6455 section 7.4.1 and the IANA registry; 3000 to 4999 are for libraries and applications. */
const valid = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3001, 3500, 3999, 4000, 4001, 4500, 4999]

/** Never on the wire, not given to anybody, or out of range. */
const refused = [
  0, 1, 100, 255, 256, 500, 999, 1004, 1005, 1006, 1015, 1016, 1017, 1050, 1099, 1100, 1500, 1999, 2000, 2500, 2999,
  5000, 5001, 6000, 9999, 32_767, 32_768, 65_535
]

export const closing = section(7, 'Closing', group => {
  group('the closing handshake', 'RFC 6455 section 5.5.1', add => {
    add('right after the opening one', [send(close(1000)), fails(1000)])
    add('without a code', [send(close()), fails(1005, 1000)])
    add('without a code, a byte at a time', [send(close(), 1), fails(1005, 1000)])
    add('with a payload of one byte is refused', [send(frame({ opcode: 8, payload: 'a' })), fails(1002)])
    add('with a payload of one byte, a byte at a time, is refused', [send(frame({ opcode: 8, payload: 'a' }), 1), fails(1002)])
    add('a byte at a time', [send(close(1000, 'bye'), 1), fails(1000)])
    add('after a message, which is still answered', [sendAll(text('last words'), close(1000)), expect({ text: 'last words' }), fails(1000)])
    add('after a large message', [sendAll(binary(prose(200_000)), close(1000)), expect({ binary: prose(200_000) }), fails(1000)])
    add('after a ping', [sendAll(ping('now'), close(1000)), expect({ pong: 'now' }), fails(1000)])
    add('after messages and pings', [
      sendAll(text('1'), ping('2'), text('3'), close(1000)), expect({ text: '1' }, { pong: '2' }, { text: '3' }), fails(1000)
    ])
  })

  group('what comes after a close frame is ignored', 'RFC 6455 section 5.5.1', add => {
    const after: Array<[string, Buffer]> = [
      ['a text', text('too late')],
      ['a ping', ping('too late')],
      ['a pong', pong('too late')],
      ['a second close', close(1001)],
      ['a second close without a code', close()],
      ['a frame with reserved bits', text('too late', { rsv: 7 })],
      ['a frame that is not masked', text('too late', { mask: false })],
      ['a reserved opcode', frame({ opcode: 3 })],
      ['text that is not UTF-8', text(hex('ff'))],
      ['a continuation', continuation('too late')],
      ['half a frame', text('too late').subarray(0, 8)],
      ['ten pings', Buffer.concat(Array.from({ length: 10 }, () => ping('too late')))],
      ['100,000 bytes of a message', binary(prose(100_000))],
      ['bytes that are no frames', Buffer.from('GET / HTTP/1.1\r\n\r\n')]
    ]
    for (const [title, bytes] of after) add(title, [sendAll(close(1000), bytes), fails(1000)])
  })

  group('codes that are answered', 'RFC 6455 section 7.4', add => {
    for (const code of valid) {
      add(String(code), [send(close(code)), fails(code)])
      add(`${code} with a reason`, [send(close(code, 'a reason')), fails(code)])
    }
  })

  group('codes that are refused', 'RFC 6455 section 7.4', add => {
    for (const code of refused) {
      add(String(code), [send(close(code)), fails(1002)])
      add(`${code} with a reason`, [send(close(code, 'a reason')), fails(1002)])
    }
  })

  group('reasons', 'RFC 6455 section 5.5.1', add => {
    for (const size of [1, 2, 50, 122, 123]) add(`${size} bytes`, [send(close(1000, 'a'.repeat(size))), fails(1000)])
    add('124 bytes are refused', [send(close(1000, 'a'.repeat(124))), fails(1002)])
    add('124 bytes are refused once the header is there', [send(close(1000, 'a'.repeat(124)).subarray(0, 8)), fails(1002)])
    add('of two to four bytes a character', [send(close(1000, 'é€🐙')), fails(1000)])
    add('of two to four bytes a character, in segments of 3', [send(close(1000, 'é€🐙'), 3), fails(1000)])
    add('123 bytes of which the last character has four', [send(close(1000, `${'a'.repeat(119)}🐙`)), fails(1000)])
    add('a non-character', [send(close(1000, '\uffff')), fails(1000)])
    add('NUL', [send(close(1000, '\0')), fails(1000)])
  })

  group('reasons that are not UTF-8 are refused', 'RFC 6455 section 8.1', add => {
    for (const [title, bytes] of [...invalid, ...incomplete, ...hopeless]) add(title, [send(close(1000, bytes)), fails(1007)])
    add('a bad byte in the middle, a byte at a time', [send(close(1000, hex('6162 ff 6364')), 1), fails(1007)])
  })

  group('the server ends TCP first', 'RFC 6455 section 7.1.1', add => {
    for (const code of [1000, 3000, 4999]) add(`after ${code}, which comes in two segments`, [send(close(code), [7]), fails(code)])
    add('after a message in fragments', [sendAll(...cut(prose(30), 10).map((part, i) => frame({ opcode: i === 0 ? 1 : 0, fin: i === 2, payload: part }))),
      expect({ text: prose(30) }), send(close(1000)), fails(1000)])
    add('after a violation', [send(frame({ opcode: 3 })), fails(1002)])
  })
})
