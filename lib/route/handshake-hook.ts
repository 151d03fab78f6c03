import type { FastifyReply, FastifyRequest } from 'fastify'
import { FST_ERR_WS_HANDSHAKE, FST_ERR_WS_ORIGIN, FST_ERR_WS_UPGRADE_REQUIRED, FST_ERR_WS_VERSION } from '../errors.ts'
import { checkRequest, protocolVersion, readHandshake } from '../protocol/handshake.ts'
import { HandshakeError } from '../protocol/handshake-error.ts'
import type { Admission } from './limits.ts'
import type { OriginPolicy } from './origin.ts'
import { upgradeOf } from './upgrade.ts'

/** How much of a strange origin an error repeats. */
const maxEcho = 100

/**
 * The first `onRequest` hook of a WebSocket route: what can't become a WebSocket, or has no place, is refused before the route's own hooks run.
 * It calls back at once, and answers a promise only where the origin's policy does.
 */
export function createHandshakeHook (originPolicy: OriginPolicy | null, admission: Admission | null) {
  return function checkHandshake (request: FastifyRequest, reply: FastifyReply, done: () => void): Promise<void> | undefined {
    const upgrade = upgradeOf(request.raw)
    if (upgrade === null) {
      offerUpgrade(reply, 'Upgrade')
      throw new FST_ERR_WS_UPGRADE_REQUIRED()
    }
    try {
      checkRequest(request.raw.url, request.raw.rawHeaders)
      upgrade.handshake = readHandshake(request.raw.httpVersion, request.raw.headers)
    } catch (error) {
      if (!(error instanceof HandshakeError)) throw error
      if (error.fault !== 'version') throw new FST_ERR_WS_HANDSHAKE(error.message)
      offerUpgrade(reply, 'Upgrade, close')
      throw new FST_ERR_WS_VERSION(error.message)
    }
    const { origin } = request.raw.headers
    const isAllowed = originPolicy === null || origin === undefined || originPolicy(origin, request)
    // Whatever else it is, be it a promise of another library, is waited for.
    if (isAllowed !== true) {
      return refuseUnless(isAllowed, origin).then(admission === null ? undefined : () => admission.enter(upgrade, request, reply))
    }
    if (admission !== null) admission.enter(upgrade, request, reply)
    done()
    return undefined
  }
}

/** `true` alone lets in: an empty list is true enough for a condition, too. */
async function refuseUnless (isAllowed: boolean | Promise<boolean>, origin = ''): Promise<void> {
  if (await isAllowed !== true) throw new FST_ERR_WS_ORIGIN(origin.slice(0, maxEcho))
}

/** What a 426 must say (RFC 9110 section 15.5.22, RFC 6455 section 4.4). */
function offerUpgrade (reply: FastifyReply, connection: string): void {
  void reply.header('Upgrade', 'websocket').header('Connection', connection).header('Sec-WebSocket-Version', protocolVersion)
}
