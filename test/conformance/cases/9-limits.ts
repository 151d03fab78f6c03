import { binary, continuation, cut, frame, ping, text } from '../../helpers/bytes.ts'
import { expect, fails, noise, prose, section, send } from '../case.ts'
import type { Step } from '../case.ts'

const kib = 1024
const mib = 1024 * kib

/** The largest message that the server under test must take; it must refuse any larger one. */
export const maxPayload = 16 * mib

const sizes = [64 * kib, 256 * kib, mib, 4 * mib, 8 * mib, 16 * mib]

/** A large payload, made once for all the cases that send it. */
const payloads = new Map<string, Buffer>()

function payloadOf (opcode: 1 | 2, size: number): Buffer {
  const key = `${opcode} ${size}`
  let payload = payloads.get(key)
  if (payload === undefined) {
    payload = opcode === 1 ? prose(size) : noise(size)
    payloads.set(key, payload)
  }
  return payload
}

function echoes (opcode: 1 | 2, size: number, bytes: () => Buffer, pieces?: number): Step[] {
  const content = (): Buffer => payloadOf(opcode, size)
  return [send(bytes, pieces), expect(opcode === 1 ? { text: content } : { binary: content })]
}

function inFragments (opcode: 1 | 2, payload: Buffer, size: number): Buffer {
  const parts = cut(payload, size)
  return Buffer.concat(parts.map((part, i) => frame({ opcode: i === 0 ? opcode : 0, fin: i === parts.length - 1, payload: part })))
}

const named = (size: number): string => size >= mib ? `${size / mib} MiB` : size >= kib ? `${size / kib} KiB` : `${size} B`

export const limits = section(9, 'Limits', group => {
  for (const [name, opcode] of [['text', 1], ['binary', 2]] as const) {
    group(`large ${name} messages in one frame`, 'RFC 6455 section 5.2', add => {
      for (const size of sizes) add(named(size), echoes(opcode, size, () => frame({ opcode, payload: payloadOf(opcode, size) })))
    }, { heavy: true })

    group(`4 MiB of ${name} in fragments`, 'RFC 6455 section 5.4', add => {
      for (const size of [64, 256, kib, 4 * kib, 16 * kib, 64 * kib, 256 * kib, mib, 4 * mib]) {
        add(`of ${named(size)}`, echoes(opcode, 4 * mib, () => inFragments(opcode, payloadOf(opcode, 4 * mib), size)))
      }
    }, { heavy: true })

    group(`16 MiB of ${name} in fragments`, 'RFC 6455 section 5.4', add => {
      for (const size of [64, kib, 64 * kib, mib]) {
        add(`of ${named(size)}`, echoes(opcode, 16 * mib, () => inFragments(opcode, payloadOf(opcode, 16 * mib), size)))
      }
    }, { heavy: true })

    group(`1 MiB of ${name} in small TCP segments`, 'RFC 6455 section 5.2', add => {
      for (const size of [64, 128, 256, 512, 1024, 2048]) {
        add(`of ${named(size)}`, echoes(opcode, mib, () => frame({ opcode, payload: payloadOf(opcode, mib) }), size))
      }
    }, { heavy: true })
  }

  group('a byte at a time', 'RFC 6455 section 5.2', add => {
    add('16 KiB of text', echoes(1, 16 * kib, () => text(payloadOf(1, 16 * kib)), 1))
    add('64 KiB of binary', echoes(2, 64 * kib, () => binary(payloadOf(2, 64 * kib)), 1))
    add('2 KiB of text in fragments of one byte', echoes(1, 2 * kib, () => inFragments(1, payloadOf(1, 2 * kib), 1), 1))
    add('64 KiB of text in fragments of one byte, in one segment', echoes(1, 64 * kib, () => inFragments(1, payloadOf(1, 64 * kib), 1)))
  }, { heavy: true })

  group('16 MiB in TCP segments', 'RFC 6455 section 5.2', add => {
    add('of 4 KiB', echoes(2, 16 * mib, () => binary(payloadOf(2, 16 * mib)), 4 * kib))
    add('of 997 B', echoes(1, 16 * mib, () => text(payloadOf(1, 16 * mib)), 997))
    add('of 64 KiB, in fragments of 64 B', echoes(2, 16 * mib, () => inFragments(2, payloadOf(2, 16 * mib), 64), 64 * kib))
  }, { heavy: true })

  group('many messages, each sent after the answer to the last', 'RFC 6455 section 5.6', add => {
    for (const size of [0, 16, 64, 256, kib, 4 * kib, 16 * kib]) {
      add(`200 of ${named(size)}`, Array.from({ length: 200 }, () => echoes(1, size, () => text(payloadOf(1, size)))).flat())
    }
  })

  group('many messages at once', 'RFC 6455 section 5.6', add => {
    for (const size of [0, 16, 256, 4 * kib]) {
      const wanted = { binary: () => payloadOf(2, size) }
      add(`1000 of ${named(size)}`, [
        send(() => Buffer.concat(Array.from({ length: 1000 }, () => binary(payloadOf(2, size))))), expect(...Array.from({ length: 1000 }, () => wanted))
      ])
    }
  })

  group('messages beyond the limit', 'RFC 6455 section 7.4.1', add => {
    for (const [name, length] of [
      ['2^32', 2n ** 32n], ['2^40', 2n ** 40n], ['2^53 - 1', 2n ** 53n - 1n], ['2^53', 2n ** 53n], ['2^62', 2n ** 62n], ['2^63 - 1', 2n ** 63n - 1n]
    ] as const) {
      add(`a header that announces ${name} bytes`, [send(text('Hello', { length })), fails(1009)])
      add(`a continuation that announces ${name} bytes`, [send(Buffer.concat([text('a', { fin: false }), continuation('b', { length })])), fails(1009)])
    }
    add('a header that announces one byte too many', [send(binary('Hello', { length: maxPayload + 1 })), fails(1009)])
    add('a continuation that announces one byte too many', [
      send(Buffer.concat([binary('a', { fin: false }), continuation('b', { length: maxPayload })])), fails(1009)
    ])
    add('fragments that add up to one byte too many', [
      send(() => Buffer.concat([...cut(payloadOf(2, maxPayload), 64 * kib).map((payload, i) => frame({ opcode: i === 0 ? 2 : 0, fin: false, payload })), continuation('x')])),
      fails(1009)
    ], { heavy: true })
    add('a ping within a message of which much is still to come', [
      send(() => Buffer.concat([binary(payloadOf(2, mib), { fin: false }), ping('now')])), expect({ pong: 'now' }),
      send(continuation('')), expect({ binary: () => payloadOf(2, mib) })
    ], { heavy: true })
  })
})
