import type { Duplex } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { isHttp2 } from './http-version.ts'

/** What carries frames at the server, in the order of their requests: sockets over HTTP/1.1, streams over HTTP/2. It grows. */
export function carriersOf (app: FastifyInstance): readonly Duplex[] {
  const carriers: Duplex[] = []
  app.server.on(isHttp2 ? 'stream' : 'connection', (carrier: Duplex) => { carriers.push(carrier) })
  return carriers
}
