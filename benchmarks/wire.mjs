// Messages as bytes: what a client writes and what a server must answer, in the language of each server.
import { frame } from './common.mjs'

/** Each says where a member and the publisher of a broadcast connect, what follows the 101, and which payloads make a message. */
const languages = {
  websocket: {
    path: role => `/${role}`,
    greeting: null,
    isOpen: text => text.endsWith('\r\n\r\n'),
    payloads (message) {
      if (Buffer.isBuffer(message)) return [{ opcode: 2, payload: message }]
      return [{ opcode: 1, payload: Buffer.from(typeof message === 'string' ? message : JSON.stringify(message)) }]
    }
  },
  /** Socket.IO in Engine.IO: events, each as an array with its name; the bytes of a binary one are a message of their own. */
  socketIo: {
    path: role => `/socket.io/?EIO=4&transport=websocket&role=${role}`,
    greeting: frame(Buffer.from('40')),
    isOpen: text => /\r\n\r\n.*40\{"sid":"[^"]+"\}$/s.test(text),
    payloads (message) {
      if (!Buffer.isBuffer(message)) return [{ opcode: 1, payload: Buffer.from(`42["m",${JSON.stringify(message)}]`) }]
      return [{ opcode: 1, payload: Buffer.from('451-["m",{"_placeholder":true,"num":0}]') }, { opcode: 2, payload: message }]
    }
  }
}

export const languageOf = server => languages[server === 'socket.io' ? 'socketIo' : 'websocket']

/** All frames of a message as a client sends them. */
export function requestBytes (payloads, fragments = 1) {
  return Buffer.concat(payloads.flatMap(({ opcode, payload }) => {
    const size = Math.ceil(payload.length / fragments)
    return Array.from({ length: fragments }, (_, index) => frame(payload.subarray(index * size, (index + 1) * size), {
      opcode: index === 0 ? opcode : 0,
      fin: index === fragments - 1
    }))
  }))
}

/** The same as a server must answer it: in one frame a payload. */
export function replyBytes (payloads) {
  return Buffer.concat(payloads.map(({ opcode, payload }) => frame(payload, { opcode, isMasked: false })))
}
