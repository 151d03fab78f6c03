import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { FST_ERR_WS_OPTION } from '../errors.ts'
import type { ResolvedOptions } from '../options.ts'
import { enterByKey } from './limits.ts'
import { upgradeOf } from './upgrade.ts'

type AcceptHandler = (request: FastifyRequest, reply: FastifyReply) => void | Promise<void>

/**
 * The handler of the upgrade request: what every hook has let pass is answered 101. It is sent as any reply, since cookies and sessions are set
 * by `onSend` hooks. `limitKey` is asked here, not in a `preHandler` hook: plugins may add theirs behind those of the route.
 */
export function createAcceptHandler (limitKey: ResolvedOptions['limitKey'], instance: FastifyInstance): AcceptHandler {
  if (limitKey === null) return accept
  return async function acceptByKey (request, reply) {
    const key: unknown = await limitKey.call(instance, request)
    if (key !== undefined && typeof key !== 'string') throw new FST_ERR_WS_OPTION('limitKey', `the function must answer a string or undefined, not ${key === null ? 'null' : typeof key}`)
    const upgrade = upgradeOf(request.raw)
    if (upgrade !== null && key !== undefined) {
      enterByKey(upgrade, key, reply)
      upgrade.key = key
    }
    // Fastify sends it, unless the client has gone or the deadline has passed meanwhile.
    void reply.code(101)
  }
}

function accept (_request: FastifyRequest, reply: FastifyReply): void {
  void reply.code(101).send()
}
