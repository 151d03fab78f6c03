import assert from 'node:assert/strict'
import t from 'tap'
import { parseExtensions } from '../../lib/protocol/extensions.ts'
import { agreeOnDeflate } from '../../lib/protocol/permessage-deflate.ts'
import type { DeflateAgreement, DeflatePreference } from '../../lib/protocol/permessage-deflate.ts'

const byDefault: DeflatePreference = { contextTakeover: false, windowBits: 12 }
const generous: DeflatePreference = { contextTakeover: true, windowBits: 15 }

function agree (header: string, preference: DeflatePreference = byDefault): DeflateAgreement | null {
  return agreeOnDeflate(parseExtensions(header), preference)
}

/** The value of the reply's header; null where the offers are declined. */
function reply (header: string, preference?: DeflatePreference): string | null {
  return agree(header, preference)?.header ?? null
}

/* Answers. */

t.test('a bare offer is answered with what the server prefers for itself and may ask for', async t => {
  t.same(agree('permessage-deflate'), {
    parameters: { serverNoContextTakeover: true, clientNoContextTakeover: true, serverMaxWindowBits: 12, clientMaxWindowBits: 15 },
    header: 'permessage-deflate; server_no_context_takeover; client_no_context_takeover'
  })
})

t.test('a bare offer to a server that takes everything over is answered in kind', async t => {
  t.same(agree('permessage-deflate', generous), {
    parameters: { serverNoContextTakeover: false, clientNoContextTakeover: false, serverMaxWindowBits: 15, clientMaxWindowBits: 15 },
    header: 'permessage-deflate'
  })
})

t.test('the offer of browsers is asked for a smaller window', async t => {
  t.equal(reply('permessage-deflate; client_max_window_bits'), 'permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits=12')
})

t.test('what a client asks of the server is granted', async t => {
  t.equal(reply('permessage-deflate; server_no_context_takeover', generous), 'permessage-deflate; server_no_context_takeover')
  t.equal(reply('permessage-deflate; server_max_window_bits=9', generous), 'permessage-deflate; server_max_window_bits=9')
})

t.test('a hint that the client will not take its context over is taken', async t => {
  t.equal(reply('permessage-deflate; client_no_context_takeover', generous), 'permessage-deflate; client_no_context_takeover')
})

t.test('values may be quoted', async t => {
  t.equal(reply('permessage-deflate; server_max_window_bits="9"', generous), 'permessage-deflate; server_max_window_bits=9')
})

/* Every combination of what may be offered and of what a server may prefer. */

const bits = [8, 9, 10, 11, 12, 13, 14, 15]
const serverBitsOffered = [null, ...bits]
const clientBitsOffered = [null, '', ...bits]

interface Combination extends DeflatePreference {
  readonly serverNoTakeover: boolean
  readonly clientNoTakeover: boolean
  readonly serverBits: number | null
  /** '' for the parameter without a value */
  readonly clientBits: number | '' | null
}

function * combinations (): Generator<Combination> {
  for (const contextTakeover of [true, false]) {
    for (const windowBits of bits) {
      for (const serverNoTakeover of [true, false]) {
        for (const clientNoTakeover of [true, false]) {
          for (const serverBits of serverBitsOffered) {
            for (const clientBits of clientBitsOffered) {
              yield { contextTakeover, windowBits, serverNoTakeover, clientNoTakeover, serverBits, clientBits: clientBits as number | '' | null }
            }
          }
        }
      }
    }
  }
}

function offerOf ({ serverNoTakeover, clientNoTakeover, serverBits, clientBits }: Combination): string[] {
  const parameters = []
  if (serverNoTakeover) parameters.push('server_no_context_takeover')
  if (clientNoTakeover) parameters.push('client_no_context_takeover')
  if (serverBits !== null) parameters.push(`server_max_window_bits=${serverBits}`)
  if (clientBits !== null) parameters.push(clientBits === '' ? 'client_max_window_bits' : `client_max_window_bits=${clientBits}`)
  return parameters
}

for (const order of ['in order', 'reversed']) {
  t.test(`every combination of parameters, ${order}, is answered as RFC 7692 section 7.1 says`, async t => {
    let count = 0
    for (const combination of combinations()) {
      const { contextTakeover, windowBits, serverNoTakeover, clientNoTakeover, serverBits, clientBits } = combination
      const parameters = offerOf(combination)
      if (order === 'reversed') parameters.reverse()
      const offer = ['permessage-deflate', ...parameters].join('; ')
      const agreement = agree(offer, { contextTakeover, windowBits })
      assert.ok(agreement !== null, offer)
      const [{ name, parameters: answered }, ...more] = parseExtensions(agreement.header)
      const answer = new Map(answered.map(({ name, value }) => [name, value]))
      assert.equal(name, 'permessage-deflate')
      assert.equal(more.length, 0)
      assert.equal(answer.size, answered.length, 'no parameter twice')

      // 7.1.1.1: asked for, it must be in the answer; unasked, it may be.
      assert.equal(answer.has('server_no_context_takeover'), serverNoTakeover || !contextTakeover)
      assert.equal(agreement.parameters.serverNoContextTakeover, answer.has('server_no_context_takeover'))
      // 7.1.1.2: the server may ask for it, hint or no hint.
      // The server never keeps a window larger than it said.
      const isUnbounded = clientBits === null && windowBits < 15
      assert.equal(answer.has('client_no_context_takeover'), clientNoTakeover || !contextTakeover || isUnbounded)
      assert.equal(agreement.parameters.clientNoContextTakeover, answer.has('client_no_context_takeover'))
      // 7.1.2.1: asked for, it must be in the answer, with the same value or a smaller one.
      const ownBits = Math.min(serverBits ?? 15, windowBits)
      assert.equal(agreement.parameters.serverMaxWindowBits, ownBits)
      assert.equal(answer.get('server_max_window_bits'), serverBits === null ? undefined : String(ownBits))
      // 7.1.2.2: never in the answer to a client that did not offer it, and never larger than offered.
      const peerBits = clientBits === null ? 15 : Math.min(clientBits === '' ? 15 : clientBits, windowBits)
      assert.equal(agreement.parameters.clientMaxWindowBits, peerBits)
      assert.equal(answer.get('client_max_window_bits'), clientBits === null || peerBits === 15 ? undefined : String(peerBits))
      count++
    }
    t.equal(count, 2 * 8 * 2 * 2 * 9 * 10)
  })
}

/* Offers that must be declined. */

const invalid = [
  'unknown', 'unknown=1', '__proto__', 'constructor', 'Server_no_context_takeover', 'SERVER_MAX_WINDOW_BITS=10', 'client_max_window_bits2',
  'server_no_context_takeover=1', 'server_no_context_takeover=true', 'client_no_context_takeover=false',
  'server_max_window_bits', 'server_max_window_bits=7', 'server_max_window_bits=16', 'server_max_window_bits=0', 'server_max_window_bits=08',
  'server_max_window_bits=010', 'server_max_window_bits=+10', 'server_max_window_bits=-10', 'server_max_window_bits=1e1', 'server_max_window_bits=10.0',
  'server_max_window_bits=0xa', 'server_max_window_bits=ten', 'server_max_window_bits=100', 'server_max_window_bits=1', 'server_max_window_bits=5',
  'client_max_window_bits=7', 'client_max_window_bits=16', 'client_max_window_bits=08', 'client_max_window_bits=+9', 'client_max_window_bits=1e1',
  'client_max_window_bits=true', 'client_max_window_bits=19', 'client_max_window_bits=150',
  'server_no_context_takeover; server_no_context_takeover', 'client_no_context_takeover; client_no_context_takeover',
  'server_max_window_bits=10; server_max_window_bits=10', 'client_max_window_bits; client_max_window_bits', 'client_max_window_bits; client_max_window_bits=10',
  'client_max_window_bits=10; server_no_context_takeover; client_max_window_bits=11'
]

for (const parameters of invalid) {
  t.test(`an offer with ${parameters} is declined, and the next one taken`, async t => {
    const offer = `permessage-deflate; ${parameters}`
    for (const preference of [byDefault, generous]) {
      t.equal(reply(offer, preference), null)
      t.equal(reply(`permessage-deflate; client_no_context_takeover; ${parameters}`, preference), null, 'behind a valid parameter too')
      t.equal(reply(`${offer}, permessage-deflate; server_max_window_bits=11`, preference), reply('permessage-deflate; server_max_window_bits=11', preference))
    }
  })
}

t.test('the first of several valid offers is taken', async t => {
  t.equal(reply('permessage-deflate; server_max_window_bits=10, permessage-deflate', generous), 'permessage-deflate; server_max_window_bits=10')
  t.equal(reply('permessage-deflate, permessage-deflate; server_max_window_bits=10', generous), 'permessage-deflate')
})

t.test('other extensions are declined', async t => {
  for (const other of ['x-webkit-deflate-frame', 'permessage-bzip2', 'Permessage-Deflate', 'permessage-deflate2', '__proto__']) {
    t.equal(reply(other), null)
    t.equal(reply(`${other}; server_max_window_bits=10, permessage-deflate`, generous), 'permessage-deflate')
  }
})

t.test('no offer is no agreement', async t => {
  t.equal(agreeOnDeflate([], generous), null)
})
