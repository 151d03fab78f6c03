import { binary, frame, text } from '../../helpers/bytes.ts'
import { expect, noise, prose, section, send, sendAll } from '../case.ts'
import type { Expected, Step } from '../case.ts'

const sizes = [0, 1, 2, 125, 126, 127, 128, 129, 1000, 65_535, 65_536, 65_537]
const pieceSizes = [1, 2, 3, 5, 64, 997]
const largePieceSizes = [64, 255, 256, 997, 1024, 2048, 4096]

const echoesText = (size: number, pieces?: number | number[]): Step[] => [send(text(prose(size)), pieces), expect({ text: prose(size) })]
const echoesBinary = (size: number, pieces?: number | number[]): Step[] => [send(binary(noise(size)), pieces), expect({ binary: noise(size) })]

export const messages = section(1, 'Messages', group => {
  for (const [kind, echoes] of [['text', echoesText], ['binary', echoesBinary]] as const) {
    group(`${kind} messages of all sizes`, 'RFC 6455 section 5.2', add => {
      for (const size of sizes) add(`${size} bytes`, echoes(size))
    })

    group(`${kind} messages in small TCP segments`, 'RFC 6455 section 5.2', add => {
      for (const size of [1, 125, 126, 127, 128, 1000]) {
        for (const pieces of pieceSizes) add(`${size} bytes, ${pieces} at a time`, echoes(size, pieces))
      }
      for (const size of [65_535, 65_536]) {
        for (const pieces of largePieceSizes) add(`${size} bytes, ${pieces} at a time`, echoes(size, pieces))
      }
    })

    group(`${kind} messages whose header is cut`, 'RFC 6455 section 5.2', add => {
      for (const [size, header] of [[100, 6], [1000, 8], [65_536, 14]]) {
        for (let at = 1; at <= header; at++) add(`${size} bytes, cut after byte ${at}`, echoes(size, [at]))
      }
    })
  }

  group('messages of both types one after the other', 'RFC 6455 section 5.4', add => {
    const mixed: Array<[Buffer, Expected]> = Array.from({ length: 20 }, (_, i) => {
      const payload = i % 2 === 0 ? prose(i * 17) : noise(i * 17)
      return i % 2 === 0 ? [text(payload), { text: payload }] : [binary(payload), { binary: payload }]
    })
    const bytes = Buffer.concat(mixed.map(([bytes]) => bytes))
    const expected = mixed.map(([, expected]) => expected)
    add('all in one segment', [send(bytes), expect(...expected)])
    add('each after the answer to the last', mixed.flatMap(([bytes, expected]) => [send(bytes), expect(expected)]))
    for (const pieces of [1, 7, 100]) add(`all, ${pieces} bytes at a time`, [send(bytes, pieces), expect(...expected)])
    add('a thousand small ones at once', [
      sendAll(...Array.from({ length: 1000 }, (_, i) => text(String(i)))),
      expect(...Array.from({ length: 1000 }, (_, i) => ({ text: String(i) })))
    ])
    add('a thousand empty ones at once', [
      sendAll(...Array.from({ length: 1000 }, () => binary(''))),
      expect(...Array.from({ length: 1000 }, () => ({ binary: '' })))
    ])
  })

  group('payloads of binary messages', 'RFC 6455 section 5.6', add => {
    const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
    add('every byte', [send(binary(all)), expect({ binary: all })])
    for (const byte of [0x00, 0x7f, 0x80, 0xff]) {
      add(`bytes of 0x${byte.toString(16)}`, [send(binary(Buffer.alloc(300, byte))), expect({ binary: Buffer.alloc(300, byte) })])
    }
    add('what looks like a frame', [send(binary(frame({ opcode: 8 }))), expect({ binary: frame({ opcode: 8 }) })])
    add('text that is valid as such', [send(binary(prose(200))), expect({ binary: prose(200) })])
  })
})
