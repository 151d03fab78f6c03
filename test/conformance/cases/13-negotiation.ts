import { binary, text } from '../../helpers/bytes.ts'
import { expect, noise, prose, section, send } from '../case.ts'
import type { Add, CaseOptions, Step } from '../case.ts'
import { DeflateWriter } from '../deflate-bytes.ts'

const rsv1 = { rsv: 4 }
const windows = [8, 9, 10, 11, 12, 13, 14, 15]

/** Two messages of which the second repeats the first: both sides' windows are used where they may be. */
const twice: Step[] = [0, 1].flatMap(() => [
  send(deflation => text(deflation.compress(prose(3000)), rsv1)), expect({ text: prose(3000) })
])

const serves: Step[] = [send(text('Hello')), expect({ text: 'Hello' })]

const agreed = (add: Add, offer: string | string[], options: CaseOptions = {}): void => {
  add([offer].flat().join(' | '), twice, { offer, reply: { deflate: 'agreed' }, ...options })
}
const declined = (add: Add, offer: string): void => add(offer, serves, { offer, reply: { deflate: 'declined' } })

const badBits = ['0', '1', '7', '16', '17', '32', '99', '08', '010', '015', '15x', 'x15', '+10', '-8', '1e1', '10.0', '0x9', 'NaN', 'true']

/** Whatever makes an offer of permessage-deflate invalid (RFC 7692 section 7.1). */
const invalid = [
  ...badBits.flatMap(bits => [`server_max_window_bits=${bits}`, `client_max_window_bits=${bits}`]),
  'server_max_window_bits', 'server_max_window_bits="7"', 'client_max_window_bits="16"', 'client_max_window_bits="08"',
  ...['true', 'false', '1', '0', '"1"', '15'].flatMap(value => [`server_no_context_takeover=${value}`, `client_no_context_takeover=${value}`]),
  'server_no_context_takeover; server_no_context_takeover', 'client_no_context_takeover; client_no_context_takeover',
  'server_max_window_bits=10; server_max_window_bits=10', 'client_max_window_bits; client_max_window_bits', 'client_max_window_bits=9; client_max_window_bits=10',
  'client_max_window_bits; server_no_context_takeover; client_max_window_bits=10',
  'unknown', 'unknown=1', 'server_max_window_bits=10; unknown', 'max_window_bits=10', 'no_context_takeover', '__proto__', 'constructor=1'
]

const malformed = [
  ';', '=', 'permessage-deflate;', 'permessage-deflate; ;', 'permessage-deflate; =1', 'permessage-deflate; a=', 'permessage-deflate; server_max_window_bits=',
  'permessage-deflate; client_max_window_bits=""', 'permessage-deflate; client_no_context_takeover=""',
  'permessage-deflate; server_max_window_bits="10', 'permessage-deflate; server_max_window_bits="1 0"', 'permessage-deflate; server_max_window_bits="10"0',
  'permessage-deflate; server_max_window_bits=10=10', 'permessage-deflate client_max_window_bits', 'permessage-deflate; a b',
  '"permessage-deflate"', 'permessage-deflate=1', 'permessage/deflate', 'permessage-deflate; (a)', 'permessage-deflate; a=[b]', 'permessage-d\xe9flate',
  'unknown;', 'unknown; a="b c"', 'permessage-deflate, ;', '; permessage-deflate'
]

export const negotiation = section(13, 'Negotiation of permessage-deflate', group => {
  for (const takeovers of ['', '; server_no_context_takeover', '; client_no_context_takeover', '; server_no_context_takeover; client_no_context_takeover']) {
    group(`every window${takeovers === '' ? '' : ` with ${takeovers.slice(2)}`}`, 'RFC 7692 section 7.1', add => {
      for (const server of ['', ...windows.map(bits => `; server_max_window_bits=${bits}`)]) {
        for (const client of ['', '; client_max_window_bits', ...windows.map(bits => `; client_max_window_bits=${bits}`)]) {
          agreed(add, `permessage-deflate${takeovers}${server}${client}`)
        }
      }
    }, { needs: 'deflate' })
  }

  group('parameters as they may be written', 'RFC 6455 section 9.1', add => {
    for (const offer of [
      'permessage-deflate;client_max_window_bits', 'permessage-deflate ; client_max_window_bits', 'permessage-deflate;\tclient_max_window_bits\t; server_no_context_takeover',
      'permessage-deflate; client_max_window_bits="10"', 'permessage-deflate; server_max_window_bits="9"; client_max_window_bits="15"',
      'permessage-deflate; client_max_window_bits; server_no_context_takeover', 'permessage-deflate; server_max_window_bits=10; client_no_context_takeover',
      ', permessage-deflate', 'permessage-deflate,', ',, permessage-deflate ,,'
    ]) agreed(add, offer)
  }, { needs: 'deflate' })

  group('several offers', 'RFC 7692 section 5', add => {
    const takes = (pattern: RegExp): CaseOptions => ({ reply: { deflate: 'agreed', headers: { 'sec-websocket-extensions': pattern } } })
    agreed(add, 'permessage-deflate; server_max_window_bits=10, permessage-deflate', takes(/server_max_window_bits=(8|9|10)(;|$)/))
    agreed(add, 'permessage-deflate; server_no_context_takeover, permessage-deflate', takes(/server_no_context_takeover/))
    agreed(add, ['permessage-deflate; server_max_window_bits=10', 'permessage-deflate'], takes(/server_max_window_bits=(8|9|10)(;|$)/))
    agreed(add, 'permessage-deflate, permessage-deflate')
    agreed(add, 'unknown, permessage-deflate')
    agreed(add, 'unknown; a=b; c="d", permessage-deflate; client_max_window_bits, other')
    agreed(add, ['unknown', 'permessage-deflate'])
    agreed(add, Array.from({ length: 20 }, (_, i) => `unknown-${i}`).concat('permessage-deflate').join(', '))
    for (const parameters of invalid) agreed(add, `permessage-deflate; ${parameters}, permessage-deflate; client_max_window_bits`)
  }, { needs: 'deflate' })

  group('offers that are declined', 'RFC 7692 section 7.1', add => {
    for (const parameters of invalid) declined(add, `permessage-deflate; ${parameters}`)
  })

  group('extensions that nobody speaks', 'RFC 6455 section 9.1', add => {
    for (const offer of [
      'unknown', 'unknown; a', 'unknown; a=b; c="d"', 'unknown, other', 'unknown,, other', ', unknown',
      'x-webkit-deflate-frame', 'permessage-deflate-2', 'permessage-bzip2; level=9',
      '__proto__', 'constructor; prototype', 'toString, valueOf'
    ]) declined(add, offer)
  })

  group('headers that break the grammar', 'RFC 6455 section 9.1', add => {
    for (const offer of malformed) add(offer, [], { offer, reply: { status: 400 } })
    for (const offer of malformed.slice(3, 8)) add(`permessage-deflate, ${offer}`, [], { offer: `permessage-deflate, ${offer}`, reply: { status: 400 } })
  })

  group('the server stays within its window', 'RFC 7692 section 7.1.2.1', add => {
    for (const bits of windows) {
      for (const takeover of ['', '; server_no_context_takeover']) {
        const offer = `permessage-deflate; server_max_window_bits=${bits}${takeover}`
        for (const [title, distance] of [
          ['half a window', 2 ** (bits - 1)], ['a window', 2 ** bits], ['a window and one', 2 ** bits + 1], ['two windows', 2 ** (bits + 1)]
        ] as const) {
          const payload = Buffer.concat([noise(distance), noise(distance), noise(distance)])
          add(`${bits} bits, repeats after ${title}${takeover}`, [
            send(binary(payload)), expect({ binary: payload }), send(binary(payload)), expect({ binary: payload })
          ], { offer })
        }
      }
    }
  }, { needs: 'deflate' })

  group('the client uses all of its window', 'RFC 7692 section 7.1.2.2', add => {
    for (const bits of windows) {
      const window = 2 ** bits
      const offer = `permessage-deflate; client_max_window_bits=${bits}`
      for (const back of [1, 2, 3, 4, 5, window / 2, window - 1, window].filter(distance => distance <= window)) {
        add(`${bits} bits, a match ${back} bytes back`, [
          send(({ agreed }) => binary(new DeflateWriter().stored(noise(window)).fixed([{ length: 258, distance: usable(back, agreed.clientBits) }]).flushed(), rsv1)),
          expect({ binary: ({ agreed }) => repeated(noise(window), usable(back, agreed.clientBits), 258) })
        ], { offer })
      }
    }
  }, { needs: 'deflate' })
})

/** A server may ask for a smaller window than it was offered. */
function usable (distance: number, bits: number): number {
  return Math.min(distance, 2 ** bits)
}

function repeated (bytes: Buffer, distance: number, length: number): Buffer {
  const out = [...bytes]
  for (let i = 0; i < length; i++) out.push(out[out.length - distance])
  return Buffer.from(out)
}
