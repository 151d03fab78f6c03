import { constants } from 'node:zlib'
import { binary, continuation, cut, frame, hex, ping, text } from '../../helpers/bytes.ts'
import { expect, fails, noise, prose, section, send, sendAll } from '../case.ts'
import type { Step } from '../case.ts'
import type { Deflation } from '../deflation.ts'
import { maxPayload } from './9-limits.ts'
import { hopeless, incomplete, invalid, points, texts } from './utf8-samples.ts'

const rsv1 = { rsv: 4 }

export const parameterSets = [
  '', 'client_max_window_bits', 'server_no_context_takeover', 'client_no_context_takeover', 'server_no_context_takeover; client_no_context_takeover',
  'server_max_window_bits=9', 'client_max_window_bits=9', 'server_max_window_bits=12; client_max_window_bits=12',
  'server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9; client_max_window_bits=9',
  'server_max_window_bits=15; client_max_window_bits=15'
]

export const offerOf = (parameters: string): string => parameters === '' ? 'permessage-deflate' : `permessage-deflate; ${parameters}`

/** A compressed message in fragments of `size`, of which the first alone has RSV1 (RFC 7692 section 6.1). */
function inFragments (opcode: 1 | 2, compressed: Buffer, size: number): Buffer[] {
  const parts = cut(compressed, size)
  return parts.map((part, i) => frame({ opcode: i === 0 ? opcode : 0, rsv: i === 0 ? 4 : 0, fin: i === parts.length - 1, payload: part }))
}

const compressed = (payload: Buffer | string, options?: Parameters<Deflation['compress']>[1]): Step =>
  send(deflation => text(deflation.compress(payload, options), rsv1))

const compressedBinary = (payload: Buffer): Step => send(deflation => binary(deflation.compress(payload), rsv1))

/** Some messages that have much in common, compressed one after the other. */
function series (size: number, count: number): Step[] {
  return Array.from({ length: count }, (_, i) => Buffer.concat([Buffer.from(`${i} `), prose(size)])).flatMap(payload => [
    compressed(payload), expect({ text: payload })
  ])
}

export const compressedMessages = section(12, 'Compressed messages', group => {
  const rfc = 'RFC 7692 section 7.2'

  for (const parameters of parameterSets) {
    group(offerOf(parameters), rfc, add => {
      const offer = offerOf(parameters)
      for (const size of [0, 16, 64, 256, 1024, 4096, 8192, 16_384, 32_768, 65_536, 131_072]) {
        add(`8 texts of ${size} bytes`, series(size, 8), { offer })
      }
      for (const size of [100, 1000, 40_000]) {
        add(`bytes that do not compress, ${size}`, [
          compressedBinary(noise(size)), compressedBinary(noise(size)), expect({ binary: noise(size) }, { binary: noise(size) })
        ], { offer })
      }
      for (const size of [1, 10, 100]) {
        add(`in fragments of ${size}`, [
          send(deflation => Buffer.concat(inFragments(1, deflation.compress(prose(3000)), size))), expect({ text: prose(3000) }),
          send(deflation => Buffer.concat(inFragments(2, deflation.compress(prose(3000)), size))), expect({ binary: prose(3000) })
        ], { offer })
      }
      for (const size of [256, 4096, 32_768]) {
        add(`65,536 bytes that do not compress, in fragments of ${size}`, [
          send(deflation => Buffer.concat(inFragments(2, deflation.compress(noise(65_536)), size))), expect({ binary: noise(65_536) })
        ], { offer })
      }
      add('in segments of a byte', [send(deflation => text(deflation.compress(prose(1000)), rsv1), 1), expect({ text: prose(1000) })], { offer })
      add('20 at once', [
        send(deflation => Buffer.concat(Array.from({ length: 20 }, (_, i) => text(deflation.compress(`${i} ${prose(2000)}`), rsv1)))),
        expect(...Array.from({ length: 20 }, (_, i) => ({ text: `${i} ${prose(2000)}` })))
      ], { offer })
      add('large and small ones at once come back in order', [
        send(deflation => Buffer.concat([100_000, 1, 50_000, 0, 2000, 3].map(size => binary(deflation.compress(prose(size)), rsv1)))),
        expect(...[100_000, 1, 50_000, 0, 2000, 3].map(size => ({ binary: prose(size) })))
      ], { offer })
      add('between messages that are not compressed', [
        send(deflation => Buffer.concat([text('1'), text(deflation.compress(prose(2000)), rsv1), text('3'), binary(deflation.compress(prose(2000)), rsv1), binary('5')])),
        expect({ text: '1' }, { text: prose(2000) }, { text: '3' }, { binary: prose(2000) }, { binary: '5' })
      ], { offer })
    }, { needs: 'deflate' })
  }

  group('whatever the compressor', rfc, add => {
    for (const level of [0, 1, 3, 9]) add(`level ${level}`, [compressed(prose(5000), { level }), expect({ text: prose(5000) })])
    for (const memLevel of [1, 9]) add(`memLevel ${memLevel}`, [compressed(prose(5000), { memLevel }), expect({ text: prose(5000) })])
    for (const [name, strategy] of [
      ['Huffman only', constants.Z_HUFFMAN_ONLY], ['run lengths', constants.Z_RLE], ['fixed codes', constants.Z_FIXED], ['filtered', constants.Z_FILTERED]
    ] as const) {
      add(name, [compressed(prose(5000), { strategy }), expect({ text: prose(5000) })])
    }
  }, { needs: 'deflate' })

  group('fragments cut everywhere', 'RFC 7692 section 6.1', add => {
    const sample = Buffer.from('Hello, Hello, Hello! é€🐙')
    for (let at = 0; at <= 30; at++) {
      add(`after byte ${at}`, [
        send(deflation => {
          const bytes = deflation.compress(sample)
          return Buffer.concat([text(bytes.subarray(0, at), { ...rsv1, fin: false }), continuation(bytes.subarray(at))])
        }),
        expect({ text: sample })
      ])
    }
    add('with a ping after each byte', [
      send(deflation => Buffer.concat([...deflation.compress(sample)].flatMap((byte, i, { length }) => [
        frame({ opcode: i === 0 ? 1 : 0, rsv: i === 0 ? 4 : 0, fin: i === length - 1, payload: Buffer.of(byte) }), ...(i < 10 && i < length - 1 ? [ping(`${i}`)] : [])
      ]))),
      expect(...Array.from({ length: 10 }, (_, i) => ({ pong: `${i}` })), { text: sample })
    ])
    add('a ping in between is answered first', [
      sendAll(text(hex('f248cd'), { ...rsv1, fin: false }), ping('now')), expect({ pong: 'now' }),
      send(continuation(hex('c9c90700'))), expect({ text: 'Hello' })
    ])
    add('empty fragments before, between and after', [
      send(deflation => {
        const bytes = deflation.compress(sample)
        return Buffer.concat([
          text('', { ...rsv1, fin: false }), continuation('', { fin: false }), continuation(bytes.subarray(0, 9), { fin: false }), continuation('', { fin: false }),
          continuation(bytes.subarray(9), { fin: false }), continuation('')
        ])
      }),
      expect({ text: sample })
    ])
  }, { needs: 'deflate' })

  group('UTF-8 in compressed text', 'RFC 6455 section 8.1', add => {
    for (const [title, bytes] of [...points, ...texts]) add(title, [compressed(bytes), expect({ text: bytes })])
    for (const [title, bytes] of [...invalid, ...incomplete, ...hopeless]) add(`not ${title}`, [compressed(bytes), fails(1007)])
    add('not a bad byte after 100,000 good ones', [compressed(Buffer.concat([prose(100_000), Buffer.of(0xff)])), fails(1007)])
    add('bad bytes in a binary message are as good as any', [compressedBinary(Buffer.of(0xff, 0xfe)), expect({ binary: Buffer.of(0xff, 0xfe) })])
  }, { needs: 'deflate' })

  group('large compressed messages', 'RFC 7692 section 7.2', add => {
    const zeros = (size: number) => (): Buffer => Buffer.alloc(size)
    const bomb = (size: number) => (deflation: Deflation): Buffer => deflation.compress(Buffer.alloc(size), { level: 9 })
    for (const size of [1_048_576, 4_194_304, maxPayload]) {
      add(`${size} bytes of text`, [send(deflation => text(deflation.compress(prose(size)), rsv1)), expect({ text: () => prose(size) })])
      add(`${size} zeros`, [send(deflation => binary(bomb(size)(deflation), rsv1)), expect({ binary: zeros(size) })])
    }
    for (const size of [maxPayload + 1, 2 * maxPayload]) {
      add(`${size} zeros are too many`, [send(deflation => binary(bomb(size)(deflation), rsv1)), fails(1009)])
      add(`${size} zeros are too many in fragments`, [send(deflation => Buffer.concat(inFragments(2, bomb(size)(deflation), 1000))), fails(1009)])
    }
    add('zeros that are too many, in a fragment whose message ends later', [
      send(deflation => binary(bomb(2 * maxPayload)(deflation), { ...rsv1, fin: false })), send(continuation(hex('00'))), fails(1009)
    ])
    add('the connection beside it goes on', [...series(1000, 3)])
  }, { needs: 'deflate', heavy: true })

  group('a compressed message on a connection that does not have it', 'RFC 6455 section 5.2', add => {
    add('text', [send(text(Buffer.from('f248cdc9c90700', 'hex'), rsv1)), fails(1002)])
    add('binary', [send(binary(Buffer.from('f248cdc9c90700', 'hex'), rsv1)), fails(1002)])
    add('in fragments', [sendAll(text(Buffer.from('f248', 'hex'), { ...rsv1, fin: false }), continuation(Buffer.from('cdc9c90700', 'hex'))), fails(1002)])
  }, { without: 'deflate' })
})
