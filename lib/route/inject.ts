import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyInstance } from 'fastify'
import type { InjectedConnection, InjectOptions } from '../../types/inject.ts'
import { FST_ERR_WS_INJECT_REJECTED, FST_ERR_WS_OPTION } from '../errors.ts'
import { servesHttp2 } from './connect-listener.ts'
import { connectHttp1, connectHttp2 } from './inject-handshake.ts'
import type { Answer } from './inject-handshake.ts'
import { InjectedClient } from './injected-client.ts'

/**
 * A test connection through the whole request path: Node's HTTP parser, the router, the hooks, our parser; only
 * the network is missing. Over HTTP/2 where the server speaks it.
 */
export async function inject (instance: FastifyInstance, url: string, options: InjectOptions): Promise<InjectedConnection> {
  const { chunkSize = Infinity, remoteAddress = '127.0.0.1' } = options
  if (chunkSize !== Infinity && !(Number.isInteger(chunkSize) && chunkSize > 0)) throw new FST_ERR_WS_OPTION('chunkSize', 'must be a whole number from 1, or Infinity')
  await instance.ready()
  const { server } = instance
  const target = { server, path: pathOf(url, options.query), chunkSize, remoteAddress }
  const headers = {
    'sec-websocket-version': '13',
    ...(options.protocols === undefined || options.protocols.length === 0 ? {} : { 'sec-websocket-protocol': options.protocols.join(', ') }),
    ...lowerCase(options.headers)
  }
  const answer = servesHttp2(server) ? await connectHttp2(target, headers) : await connectHttp1(target, headers)
  if (answer.socket === null) throw rejection(answer)
  return new InjectedClient(answer.socket, answer.head, answer.headers)
}

/** As `app.inject` takes them: a path with or without its slash, or a whole URL. */
function pathOf (url: string, query: InjectOptions['query']): string {
  const { pathname, search, searchParams } = new URL(url, 'ws://localhost')
  if (query === undefined) return pathname + search
  for (const [name, value] of new URLSearchParams(query)) searchParams.append(name, value)
  return `${pathname}?${String(searchParams)}`
}

function lowerCase (headers: InjectOptions['headers'] = {}): Record<string, string | readonly string[]> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

/** The reply to a refused handshake, as `app.inject` would give it. */
function rejection ({ statusCode, headers, body }: Answer & { headers: IncomingHttpHeaders }): Error {
  const payload = body.toString()
  return Object.assign(new FST_ERR_WS_INJECT_REJECTED(statusCode), {
    response: { statusCode, headers, payload, json: (): unknown => JSON.parse(payload) }
  })
}
