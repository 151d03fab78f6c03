import { binary, close, continuation, frame, hex, ping, pong, text } from '../../helpers/bytes.ts'
import { expect, fails, noise, section, send, sendAll } from '../case.ts'

const keys = ['00000000', 'ffffffff', '00ff00ff', '01000000', '00000001', '80808080', '7f7f7f7f', '12345678']

export const headers = section(8, 'Lengths and masks', group => {
  group('lengths in more bytes than they take are refused', 'RFC 6455 section 5.2', add => {
    for (const length of [0, 1, 125]) {
      add(`${length} in 16 bits`, [send(text(Buffer.alloc(length, 'a'), { lengthBits: 16 })), fails(1002)])
    }
    for (const length of [0, 1, 125, 126, 1000, 65_535]) {
      add(`${length} in 64 bits`, [send(text(Buffer.alloc(length, 'a'), { lengthBits: 64 })), fails(1002)])
      add(`${length} in 64 bits, binary`, [send(binary(Buffer.alloc(length), { lengthBits: 64 })), fails(1002)])
    }
    add('5 in 16 bits, a byte at a time', [send(text('Hello', { lengthBits: 16 }), 1), fails(1002)])
    add('5 in 64 bits, a byte at a time', [send(text('Hello', { lengthBits: 64 }), 1), fails(1002)])
    add('5 in 16 bits, a continuation', [sendAll(text('a', { fin: false }), continuation('Hello', { lengthBits: 16 })), fails(1002)])
    add('5 in 16 bits, after a message', [sendAll(text('before'), text('Hello', { lengthBits: 16 })), expect({ text: 'before' }), fails(1002)])
    add('5 in 16 bits, before its payload has come', [send(text('Hello', { lengthBits: 16 }).subarray(0, 8)), fails(1002)])
    for (const [name, control] of [['ping', ping], ['pong', pong]] as const) {
      for (const lengthBits of [16, 64] as const) add(`a ${name} of 5 in ${lengthBits} bits`, [send(control('Hello', { lengthBits })), fails(1002)])
    }
    for (const lengthBits of [16, 64] as const) add(`a close in ${lengthBits} bits`, [send(close(1000, '', { lengthBits })), fails(1002)])
  })

  group('64-bit lengths with the top bit', 'RFC 6455 section 5.2', add => {
    for (const length of [0x8000_0000_0000_0000n, 0x8000_0000_0000_0005n, 0xffff_ffff_ffff_ffffn]) {
      const name = length.toString(16)
      add(`${name}, text`, [send(text('Hello', { length })), fails(1002)])
      add(`${name}, binary, a byte at a time`, [send(binary('Hello', { length }), 1), fails(1002)])
      add(`${name}, a continuation`, [sendAll(text('a', { fin: false }), continuation('Hello', { length })), fails(1002)])
    }
  })

  group('frames that are not masked are refused', 'RFC 6455 section 5.1', add => {
    for (const [name, bytes] of [
      ['text', text('Hello', { mask: false })],
      ['empty text', text('', { mask: false })],
      ['binary', binary(noise(200), { mask: false })],
      ['a large binary', binary(noise(70_000), { mask: false })],
      ['a ping', ping('Hello', { mask: false })],
      ['a pong', pong('Hello', { mask: false })],
      ['a close', close(1000, '', { mask: false })],
      ['an empty close', close(undefined, '', { mask: false })],
      ['the first fragment', text('Hello', { mask: false, fin: false })]
    ] as const) {
      add(name, [send(bytes), fails(1002)])
      add(`${name}, cut after a byte`, [send(bytes, [1]), fails(1002)])
    }
    add('the second fragment', [sendAll(text('a', { fin: false }), continuation('b', { mask: false })), fails(1002)])
    add('after a masked message', [sendAll(text('before'), text('Hello', { mask: false })), expect({ text: 'before' }), fails(1002)])
    add('before its payload has come', [send(text('Hello', { mask: false }).subarray(0, 2)), fails(1002)])
  })

  group('masking keys', 'RFC 6455 section 5.3', add => {
    for (const key of keys) {
      add(`${key}, text`, [send(text('Hello, world! é', { mask: hex(key) })), expect({ text: 'Hello, world! é' })])
      for (const size of [1, 2, 3, 4, 5, 63, 64, 65, 66, 67, 1000, 70_000]) {
        add(`${key}, ${size} bytes`, [send(binary(noise(size), { mask: hex(key) })), expect({ binary: noise(size) })])
      }
      add(`${key}, cut within words`, [send(binary(noise(1000), { mask: hex(key) }), 7), expect({ binary: noise(1000) })])
      add(`${key}, a ping`, [send(ping('Hello', { mask: hex(key) })), expect({ pong: 'Hello' })])
    }
    add('another for each fragment', [
      sendAll(...keys.map((key, i) => frame({ opcode: i === 0 ? 1 : 0, fin: i === keys.length - 1, payload: `fragment ${i}; `, mask: hex(key) }))),
      expect({ text: keys.map((_, i) => `fragment ${i}; `).join('') })
    ])
  })
})
