import { continuation, ping, pong, text } from '../../helpers/bytes.ts'
import { expect, fails, noise, section, send, sendAll } from '../case.ts'

const ten = Array.from({ length: 10 }, (_, i) => `ping ${i}`)

export const pings = section(2, 'Pings and pongs', group => {
  group('pings are answered with their payload', 'RFC 6455 section 5.5.2', add => {
    for (const size of [0, 1, 2, 3, 4, 5, 7, 8, 63, 64, 124, 125]) {
      add(`${size} bytes`, [send(ping(noise(size))), expect({ pong: noise(size) })])
      add(`${size} bytes, one at a time`, [send(ping(noise(size)), 1), expect({ pong: noise(size) })])
    }
    add('text', [send(ping('Hello, world!')), expect({ pong: 'Hello, world!' })])
    add('bytes that are not UTF-8', [send(ping(Buffer.from('00fffefdfcfb00ff', 'hex'))), expect({ pong: Buffer.from('00fffefdfcfb00ff', 'hex') })])
  })

  group('control frames of more than 125 bytes are refused', 'RFC 6455 section 5.5', add => {
    for (const size of [126, 127, 65_536]) {
      add(`a ping of ${size} bytes`, [send(ping(noise(size))), fails(1002)])
      add(`a pong of ${size} bytes`, [send(pong(noise(size))), fails(1002)])
    }
    add('a ping of 126 bytes, one at a time', [send(ping(noise(126)), 1), fails(1002)])
    add('as soon as the header is there', [send(ping(noise(126)).subarray(0, 8)), fails(1002)])
    add('as soon as two bytes are there', [send(ping(noise(126)).subarray(0, 2)), fails(1002)])
  })

  group('unsolicited pongs are ignored', 'RFC 6455 section 5.5.3', add => {
    add('without a payload', [send(pong())])
    add('with a payload', [send(pong('unsolicited'))])
    add('with 125 bytes', [send(pong(noise(125)))])
    add('one byte at a time', [send(pong('unsolicited'), 1)])
    add('ten of them', [sendAll(...ten.map(payload => pong(payload)))])
    add('before a ping', [send(pong('unsolicited')), send(ping('solicited')), expect({ pong: 'solicited' })])
    add('before a message', [sendAll(pong('unsolicited'), text('message')), expect({ text: 'message' })])
    add('within a fragmented message', [sendAll(text('a', { fin: false }), pong('unsolicited'), continuation('b')), expect({ text: 'ab' })])
  })

  group('many pings get as many pongs', 'RFC 6455 section 5.5.2', add => {
    const pongs = ten.map(payload => ({ pong: payload }))
    add('ten at once', [sendAll(...ten.map(payload => ping(payload))), expect(...pongs)])
    add('ten, a byte at a time', [send(Buffer.concat(ten.map(payload => ping(payload))), 1), expect(...pongs)])
    add('ten, one after the other', ten.flatMap(payload => [send(ping(payload)), expect({ pong: payload })]))
    add('ten of the same payload', [sendAll(...ten.map(() => ping('same'))), expect(...ten.map(() => ({ pong: 'same' })))])
    add('ten between messages', [
      sendAll(...ten.flatMap(payload => [ping(payload), text(payload)])),
      expect(...pongs, ...ten.map(payload => ({ text: payload })))
    ])
    add('ten between the fragments of a message', [
      sendAll(text('', { fin: false }), ...ten.flatMap(payload => [ping(payload), continuation(payload, { fin: false })]), continuation('')),
      expect(...pongs, { text: ten.join('') })
    ])
    add('a ping for every message of a large burst', [
      sendAll(...Array.from({ length: 100 }, (_, i) => Buffer.concat([text(`${i}`), ping(`${i}`)]))),
      expect(...Array.from({ length: 100 }, (_, i) => [{ text: `${i}` }, { pong: `${i}` }]).flat())
    ])
  })
})
