import { binary, close, continuation, ping, text } from '../../helpers/bytes.ts'
import { expect, halfClose, noise, reset, section, send, sendAll } from '../case.ts'
import type { Step } from '../case.ts'

const stillServes: Step[] = [send(text('still there?')), expect({ text: 'still there?' })]

const places: Array<[string, Step[]]> = [
  ['right after the handshake', []],
  ['after a message', [send(text('a')), expect({ text: 'a' })]],
  ['after a message that is not answered yet', [send(text('a'))]],
  ['within a header', [send(binary(noise(1000)).subarray(0, 3))]],
  ['within a masking key', [send(binary(noise(10)).subarray(0, 4))]],
  ['within a payload', [send(binary(noise(1000)).subarray(0, 500))]],
  ['within a large payload', [send(binary(noise(200_000)).subarray(0, 100_000))]],
  ['between fragments', [send(text('a', { fin: false }))]],
  ['between fragments, after a ping', [sendAll(text('a', { fin: false }), ping('now')), expect({ pong: 'now' })]],
  ['within a continuation', [sendAll(text('a', { fin: false }), continuation(noise(50)).subarray(0, 20))]],
  ['within a ping', [send(ping('Hello').subarray(0, 8))]],
  ['within a close frame', [send(close(1000, 'bye').subarray(0, 7))]]
]

export const tcp = section(10, 'TCP', group => {
  group('a client that resets its connection leaves the server serving', 'RFC 6455 section 7.1.7', add => {
    for (const [place, steps] of places) add(place, [...steps, reset, ...stillServes])
    add('right after a close frame', [send(close(1000)), reset, ...stillServes])
    add('while 100 messages are answered', [sendAll(...Array.from({ length: 100 }, () => binary(noise(1000)))), reset, ...stillServes])
    add('ten times', [...Array.from({ length: 10 }, () => reset), ...stillServes])
  })

  group('a client that ends its side is not waited for', 'RFC 6455 section 7.1.1', add => {
    for (const [place, steps] of places.filter(([place]) => !place.includes('not answered'))) add(place, [...steps, halfClose, expect({ end: true })])
    add('after a message, which is still answered', [send(text('a')), halfClose, expect({ text: 'a' }, { end: true })])
    add('after a large message', [send(binary(noise(300_000))), halfClose, expect({ binary: noise(300_000) }, { end: true })])
    add('after a ping', [send(ping('now')), halfClose, expect({ pong: 'now' }, { end: true })])
    add('after a close frame', [send(close(1000)), halfClose, expect({ close: [1000] })])
    add('after a message and a close frame', [sendAll(text('a'), close(1000)), halfClose, expect({ text: 'a' }, { close: [1000] })])
  })

  group('bytes that follow the handshake at once', 'RFC 6455 section 4.1', add => {
    const request = (head: Buffer): { request: { head: Buffer } } => ({ request: { head } })
    add('a message', [expect({ text: 'at once' })], request(text('at once')))
    add('ten messages', [expect(...Array.from({ length: 10 }, (_, i) => ({ text: `${i}` })))], request(Buffer.concat(Array.from({ length: 10 }, (_, i) => text(`${i}`)))))
    add('a large message', [expect({ binary: noise(40_000) })], request(binary(noise(40_000))))
    add('a ping', [expect({ pong: 'at once' })], request(ping('at once')))
    add('half a message', [send(text('in two').subarray(5)), expect({ text: 'in two' })], request(text('in two').subarray(0, 5)))
    add('a close frame', [expect({ close: [1000] })], request(close(1000)))
    add('a violation', [expect({ close: [1002] })], request(text('unmasked', { mask: false })))
    add('a request a byte at a time', [...stillServes], { request: { pieces: 1 }, needs: 'http1' })
    add('a request and a message in segments of 7', [expect({ text: 'at once' })], { request: { pieces: 7, head: text('at once') }, needs: 'http1' })
  })
})
