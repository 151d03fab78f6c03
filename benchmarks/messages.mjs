// What clients say, what servers answer, and the schemas of both: a Buffer is a binary message, a string a text, an object JSON.
import { jsonOf } from './common.mjs'

const text = (name, more = {}) => ({ type: 'object', required: ['type', ...Object.keys(more)], properties: { type: { const: name }, ...more } })
const string = { type: 'string', maxLength: 8192 }

const say = { type: 'say', room: 'lobby', text: 'hello there, how are you?' }
export const said = ({ room, text }) => ({ type: 'said', room, text })

/** Of equal length, so that counting bytes counts messages. */
const kindNames = Array.from({ length: 20 }, (_, index) => `kind-${String(index).padStart(2, '0')}`)
export const done = ({ type, text }) => ({ type: 'done', of: type, text })

export const contracts = {
  typed: {
    receive: { anyOf: [text('join', { room: string }), text('say', { room: string, text: string })] },
    send: text('said', { room: string, text: string }),
    handlers: { join () {}, say: said }
  },
  union: {
    receive: { anyOf: kindNames.map(name => text(name, { text: string })) },
    send: text('done', { of: string, text: string }),
    handlers: Object.fromEntries(kindNames.map(name => [name, done]))
  },
  broadcast: { receive: text('tick', { text: string }), send: text('tick', { text: string }) }
}

const letters = 'abcdefghijklmnopqrstuvwxyz0123456789'
const textOf = size => letters.repeat(Math.ceil(size / letters.length)).slice(0, size)

/** Of two, three and four bytes, so that a fragment ends within a character more often than not. */
function multibyteOf (size) {
  const character = 'äß€語😀x'
  const text = character.repeat(Math.floor(size / Buffer.byteLength(character)))
  return text + 'x'.repeat(size - Buffer.byteLength(text))
}

const echoed = message => ({ message, reply: message })

/** Of each kind the messages that are sent in turn, with their replies. */
const kinds = {
  text: ({ size }) => [echoed(textOf(size))],
  binary: ({ size }) => [echoed(Buffer.from(textOf(size)))],
  multibyte: ({ size }) => [echoed(multibyteOf(size))],
  say: () => [{ message: say, reply: said(say) }],
  kinds: () => kindNames.map(type => ({ message: { type, text: 'hello' }, reply: done({ type, text: 'hello' }) })),
  tick ({ size }) {
    const around = JSON.stringify({ type: 'tick', text: '' }).length
    return [echoed({ type: 'tick', text: textOf(size - around) })]
  },
  /** All different, and more of them than the largest window holds. */
  records ({ size }) {
    const count = Math.ceil(64 * 1024 / size) + 1
    const records = jsonOf(size * count).toString()
    return Array.from({ length: count }, (_, index) => echoed(records.slice(index * size, (index + 1) * size)))
  }
}

export const messagesOf = scenario => kinds[scenario.message](scenario)
