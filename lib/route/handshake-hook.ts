import type { FastifyReply, FastifyRequest } from 'fastify'
import { FST_ERR_WS_CONNECT_REQUIRED, FST_ERR_WS_HANDSHAKE, FST_ERR_WS_ORIGIN, FST_ERR_WS_UPGRADE_REQUIRED, FST_ERR_WS_VERSION } from '../errors.ts'
import { HandshakeError } from '../protocol/handshake-error.ts'
import type { Admission } from './limits.ts'
import { openingOf } from './opening.ts'
import type { OriginPolicy } from './origin.ts'
import { upgradeOffer } from './upgrade.ts'

/** How much of a strange origin an error repeats. */
const maxEcho = 100

/**
 * The first `onRequest` hook of a WebSocket route: what can't become a WebSocket, or has no place, is refused before the route's own hooks run.
 * It calls back at once, and answers a promise only where the origin's policy does.
 */
export function createHandshakeHook (originPolicy: OriginPolicy | null, admission: Admission | null) {
  return function checkHandshake (request: FastifyRequest, reply: FastifyReply, done: () => void): Promise<void> | undefined {
    const opening = openingOf(request.raw)
    if (opening === null) throw notOpening(request, reply)
    try {
      opening.handshake = opening.check()
    } catch (error) {
      if (!(error instanceof HandshakeError)) throw error
      if (error.fault !== 'version') throw new FST_ERR_WS_HANDSHAKE(error.message)
      const { statusCode, headers } = opening.versionRefusal
      void reply.headers(headers)
      throw Object.assign(new FST_ERR_WS_VERSION(error.message), { statusCode })
    }
    const { origin } = request.raw.headers
    const isAllowed = originPolicy === null || origin === undefined || originPolicy(origin, request)
    // Whatever else it is, be it a promise of another library, is waited for.
    if (isAllowed !== true) {
      return refuseUnless(isAllowed, origin).then(admission === null ? undefined : () => admission.enter(opening, request, reply))
    }
    if (admission !== null) admission.enter(opening, request, reply)
    done()
    return undefined
  }
}

/** `true` alone lets in: an empty list is true enough for a condition, too. */
async function refuseUnless (isAllowed: boolean | Promise<boolean>, origin = ''): Promise<void> {
  if (await isAllowed !== true) throw new FST_ERR_WS_ORIGIN(origin.slice(0, maxEcho))
}

/** Says how a WebSocket is opened: over HTTP/2 nobody upgrades, and the method itself is another one (RFC 8441 section 5). */
function notOpening (request: FastifyRequest, reply: FastifyReply): Error {
  if (request.raw.httpVersionMajor === 2) {
    void reply.header('Allow', 'CONNECT')
    return new FST_ERR_WS_CONNECT_REQUIRED()
  }
  void reply.headers(upgradeOffer)
  return new FST_ERR_WS_UPGRADE_REQUIRED()
}
