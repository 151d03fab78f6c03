import assert from 'node:assert/strict'
import { parseExtensions } from '../../lib/protocol/extensions.ts'
import { agreeOnDeflate } from '../../lib/protocol/permessage-deflate.ts'
import type { DeflateAgreement } from '../../lib/protocol/permessage-deflate.ts'
import { compressedFrames } from './compressed-frames.ts'
import { checkCompressed } from './deflate-oracle.ts'
import { clientFrames } from './frames.ts'
import type { FuzzClient } from './fuzz-client.ts'
import type { Random } from './random.ts'
import { deflateRoutes } from './server-app.ts'
import { requestFor } from './server-input.ts'
import { checkReply } from './server-oracle.ts'
import { ServerTarget } from './server-target.ts'
import type { Pieces, Target } from './target.ts'
import { readWire } from './wire.ts'

const routes = ['/deflate', '/deflate-context', '/deflate-small'] as const

/** Compressed messages under parameters of all kinds, beside an inflater of the tests' own. */
class CompressedMessages extends ServerTarget {
  readonly name = 'deflate'

  generate (random: Random): Buffer[] {
    const route = random.pick(routes)
    const header = offer(random)
    const agreement = agreeOnDeflate(parseExtensions(header), deflateRoutes[route])
    const frames = agreement === null ? clientFrames(random) : compressedFrames(random, agreement.parameters)
    return [requestFor(route, [`Sec-WebSocket-Extensions: ${header}`]), ...frames]
  }

  isGood (pieces: Pieces): boolean {
    return agreementOf(pieces) !== undefined
  }

  checkReceived (client: FuzzClient, pieces: Pieces, isWhole: boolean): void {
    const { replies, frames, rest } = readWire(client.received)
    for (const reply of replies) checkReply(reply)
    const agreement = agreementOf(pieces)
    if (agreement === undefined) return
    assert.equal(client.isReset, false, 'the server reset a connection that keeps to HTTP')
    if (!isWhole) return
    assert.deepEqual(replies.map(({ status }) => status), [101])
    assert.equal(replies[0].headers.get('sec-websocket-extensions'), agreement?.header)
    assert.equal(rest.length, 0, 'half a frame at the end')
    checkCompressed(agreement === null ? null : agreement.parameters, Buffer.concat(pieces.slice(1)), frames)
  }
}

function offer (random: Random): string {
  const one = (): string => {
    const parameters = [
      ...(random.oneIn(3) ? ['server_no_context_takeover'] : []),
      ...(random.oneIn(3) ? ['client_no_context_takeover'] : []),
      ...(random.oneIn(3) ? [`server_max_window_bits=${random.between(8, 15)}`] : []),
      ...(random.oneIn(2) ? [random.oneIn(2) ? 'client_max_window_bits' : `client_max_window_bits=${random.between(8, 15)}`] : []),
      ...(random.oneIn(20) ? ['server_max_window_bits=7'] : [])
    ]
    return ['permessage-deflate', ...parameters].join('; ')
  }
  return random.list(random.oneIn(5) ? 2 : 1, one).join(', ')
}

/** What a good handshake is answered with: null for no compression; undefined for an input that begins otherwise. */
function agreementOf (pieces: Pieces): DeflateAgreement | null | undefined {
  const header = /\r\nSec-WebSocket-Extensions: ([^\r]+)\r\n/.exec(pieces[0].toString('latin1'))?.[1] ?? ''
  const route = routes.find(route => requestFor(route, [`Sec-WebSocket-Extensions: ${header}`]).equals(pieces[0]))
  if (route === undefined) return undefined
  try {
    return agreeOnDeflate(parseExtensions(header), deflateRoutes[route])
  } catch {
    return undefined
  }
}

export const deflate: Target = new CompressedMessages()
