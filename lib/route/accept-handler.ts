import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { FST_ERR_WS_OPTION } from '../errors.ts'
import type { ResolvedOptions } from '../options.ts'
import { enterByKey } from './limits.ts'
import { openingOf } from './opening.ts'
import type { Opening } from './opening.ts'

type AcceptHandler = (request: FastifyRequest, reply: FastifyReply) => void | Promise<void>

/**
 * The handler of the opening handshake: what every hook has let pass is answered 101, or 200 over HTTP/2. It is sent as any reply, since cookies and sessions are set
 * by `onSend` hooks. `limitKey` is asked here, not in a `preHandler` hook: plugins may add theirs behind those of the route.
 */
export function createAcceptHandler (limitKey: ResolvedOptions['limitKey'], instance: FastifyInstance): AcceptHandler {
  if (limitKey === null) return accept
  return async function acceptByKey (request, reply) {
    const key: unknown = await limitKey.call(instance, request)
    if (key !== undefined && typeof key !== 'string') throw new FST_ERR_WS_OPTION('limitKey', `the function must answer a string or undefined, not ${key === null ? 'null' : typeof key}`)
    const opening = openingOf(request.raw)
    if (opening === null) return
    if (key !== undefined) {
      enterByKey(opening, key, reply)
      opening.key = key
    }
    // Fastify sends it, unless the client has gone or the deadline has passed meanwhile.
    letThrough(opening, reply)
  }
}

function accept (request: FastifyRequest, reply: FastifyReply): void {
  const opening = openingOf(request.raw)
  if (opening !== null) letThrough(opening, reply)
  void reply.send()
}

function letThrough (opening: Opening, reply: FastifyReply): void {
  opening.isLetThrough = true
  void reply.code(opening.acceptStatus)
}
