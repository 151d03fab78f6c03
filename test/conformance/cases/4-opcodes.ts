import { continuation, frame, ping, text } from '../../helpers/bytes.ts'
import { expect, fails, section, send, sendAll } from '../case.ts'

const kinds = [['data', [3, 4, 5, 6, 7]], ['control', [11, 12, 13, 14, 15]]] as const

export const opcodes = section(4, 'Opcodes', group => {
  for (const [kind, reserved] of kinds) {
    group(`reserved opcodes for ${kind} frames`, 'RFC 6455 section 5.2', add => {
      for (const opcode of reserved) {
        add(`${opcode}, without a payload`, [send(frame({ opcode })), fails(1002)])
        add(`${opcode}, with a payload`, [send(frame({ opcode, payload: 'reserved' })), fails(1002)])
        add(`${opcode}, a byte at a time`, [send(frame({ opcode, payload: 'reserved' }), 1), fails(1002)])
        add(`${opcode}, after a message, before a ping`, [sendAll(text('before'), frame({ opcode }), ping()), expect({ text: 'before' }), fails(1002)])
        add(`${opcode}, after a message, with a payload`, [
          sendAll(text('before'), frame({ opcode, payload: 'reserved' }), ping()), expect({ text: 'before' }), fails(1002)
        ])
        add(`${opcode}, within a fragmented message`, [sendAll(text('a', { fin: false }), frame({ opcode }), continuation('b')), fails(1002)])
        add(`${opcode}, not final`, [send(frame({ opcode, fin: false, payload: 'reserved' })), fails(1002)])
        add(`${opcode}, before the payload has come`, [send(frame({ opcode, payload: 'reserved' }).subarray(0, 2)), fails(1002)])
      }
    })
  }
})
