import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Test } from 'tap'
import { deferred } from './app.ts'

export type LateReply = (reply: FastifyReply) => unknown

/** What a hook may do when its client is no longer there to hear it, whatever the version of HTTP. */
export const lateReplies: Readonly<Record<string, LateReply>> = {
  'is let through': () => {},
  fails: () => { throw new Error('late') },
  replies: reply => reply.code(401).send('late'),
  'replies with a stream': reply => reply.code(401).send(Readable.from(['late', 'r'])),
  redirects: reply => reply.redirect('/late')
}

export interface LateRoute {
  /** Settles when the hook runs. */
  readonly begun: Promise<void>
  /** Lets the hook act; settles when it has. */
  act (): Promise<void>
}

/** A WebSocket route at `/` whose hook waits, and which is not to be opened. */
export function addLateRoute (t: Test, app: FastifyInstance, reply: LateReply): LateRoute {
  const begun = deferred()
  const release = deferred()
  const acted = deferred()
  app.ws('/', {
    preHandler: async (_request, fastifyReply) => {
      begun.resolve()
      await release.promise
      setImmediate(acted.resolve)
      return await reply(fastifyReply) as undefined
    },
    onOpen: () => t.fail('not to be opened')
  }, () => {})
  return {
    begun: begun.promise,
    async act () {
      release.resolve()
      await acted.promise
    }
  }
}
