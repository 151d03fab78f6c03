import { continuation, frame, ping, text } from '../../helpers/bytes.ts'
import { expect, fails, section, send, sendAll } from '../case.ts'

const opcodes = [['text', 1], ['binary', 2], ['close', 8], ['ping', 9], ['pong', 10]] as const
const combinations = [1, 2, 3, 4, 5, 6, 7]
const bits = (rsv: number): string => `RSV ${rsv.toString(2).padStart(3, '0')}`
const payloadOf = (opcode: number): Buffer => opcode === 8 ? Buffer.from([0x03, 0xe8]) : Buffer.from('Hello')

export const reservedBits = section(3, 'Reserved bits', group => {
  for (const [name, opcode] of opcodes) {
    group(`on a ${name} frame`, 'RFC 6455 section 5.2', add => {
      for (const rsv of combinations) {
        const bytes = frame({ opcode, rsv, payload: payloadOf(opcode) })
        add(`${bits(rsv)}, first of all`, [send(bytes), fails(1002)])
        add(`${bits(rsv)}, a byte at a time`, [send(bytes, 1), fails(1002)])
        add(`${bits(rsv)}, without a payload`, [send(frame({ opcode, rsv })), fails(1002)])
        add(`${bits(rsv)}, after a message, before a ping`, [sendAll(text('before'), bytes, ping()), expect({ text: 'before' }), fails(1002)])
      }
    }, { without: 'deflate' })
  }

  group('on a continuation', 'RFC 6455 section 5.2', add => {
    for (const rsv of combinations) {
      add(`${bits(rsv)}, on the last fragment`, [sendAll(text('a', { fin: false }), continuation('b', { rsv })), fails(1002)])
      add(`${bits(rsv)}, on one in between`, [sendAll(text('a', { fin: false }), continuation('b', { rsv, fin: false })), fails(1002)])
    }
  }, { without: 'deflate' })

  group('are refused before the payload has come', 'RFC 6455 section 5.2', add => {
    for (const rsv of combinations) {
      add(`${bits(rsv)}, a long text of which only the header is sent`, [send(text(Buffer.alloc(70_000, 'a'), { rsv }).subarray(0, 14)), fails(1002)])
      add(`${bits(rsv)}, two bytes of a header`, [send(text('Hello', { rsv }).subarray(0, 2)), fails(1002)])
    }
  }, { without: 'deflate' })
})
