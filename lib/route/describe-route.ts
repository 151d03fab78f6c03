import type { FastifyInstance, RouteShorthandOptions } from 'fastify'
import type { Codec, CodecName, CodecOption } from '../../types/codec.ts'
import type { WsRoute } from '../../types/fastify.ts'
import type { WsSchema } from '../../types/schema.ts'
import type { ResolvedOptions } from '../options.ts'
import { servesHttp1, servesHttp2 } from './connect-listener.ts'

/** What a route is described by. */
export interface Declared {
  readonly instance: FastifyInstance
  /** With the prefixes of its scopes. */
  readonly url: string
  readonly schema: WsSchema | undefined
  readonly config: unknown
  readonly constraints: object | undefined
  readonly options: ResolvedOptions
  /** Whether the application itself tells clients that they expire. */
  readonly tellsExpiry: boolean
  /** What members of rooms may be sent. */
  readonly rooms: { readonly notices: WsRoute['notices'] }
}

/** What tools see of a route. */
export function describeRoute ({ instance, url, schema, config, constraints, options, tellsExpiry, rooms }: Declared): WsRoute {
  const { codec, subprotocols, maxPayload, heartbeat, expiryWarning } = options
  const contentTypes = Object.freeze(contentTypesOf(codec))
  return Object.freeze({
    url,
    schema: schema ?? null,
    config,
    constraints: Object.freeze({ ...constraints }),
    subprotocols: typeof subprotocols === 'function' ? null : subprotocols ?? (isOne(codec) ? [] : Object.keys(codec)),
    contentTypes,
    noticeContentType: codec === 'raw' ? contentTypeOf('json') : contentTypes[''],
    maxPayload,
    get notices () {
      const notices: Array<WsRoute['notices'][number]> = ['error']
      if (expiryWarning !== null && !tellsExpiry) notices.push('expiring')
      if (heartbeat !== null && heartbeat.notify) notices.push('heartbeat')
      return [...notices, ...rooms.notices]
    },
    get sharedSchemas () { return instance.getSchemas() },
    operation: { ...schema }
  })
}

/** The URL that Fastify's router knows a route by; of the two that `/` has in a scope with a prefix, the one without a slash at its end. */
export function urlOf (prefix: string, url: string, prefixTrailingSlash: RouteShorthandOptions['prefixTrailingSlash']): string {
  if (url === '/' && prefix !== '' && prefixTrailingSlash !== 'slash') return prefix
  return url.startsWith('/') && prefix.endsWith('/') ? prefix + url.slice(1) : prefix + url
}

/** What the upgrade is answered with, for documents only. */
const responses = {
  http1: {
    101: { type: 'null', description: 'Switching Protocols: messages follow.' },
    426: { type: 'null', description: 'Upgrade Required: the request is none to upgrade to WebSocket.' }
  },
  http2: {
    200: { type: 'null', description: 'OK, over HTTP/2, to an extended CONNECT: messages follow.' },
    405: { type: 'null', description: 'Method Not Allowed, over HTTP/2: the request is no extended CONNECT.' }
  }
}

/**
 * Completes what @fastify/swagger says of the upgrade. To be called when Fastify has compiled the schemas: serializers of its own would change what errors look like.
 *
 * A document of OpenAPI has one GET for a URL: where there is a REST route too, that is the one.
 */
export function documentUpgrade (instance: FastifyInstance, { url, constraints, operation }: WsRoute): void {
  if (instance.hasRoute({ method: 'GET', url, constraints })) operation.hide = true
  const { server } = instance
  operation.response ??= { ...(servesHttp1(server) ? responses.http1 : {}), ...(servesHttp2(server) ? responses.http2 : {}) }
}

function contentTypesOf (codec: CodecOption): WsRoute['contentTypes'] {
  if (isOne(codec)) return { '': contentTypeOf(codec) }
  const bySubprotocol = Object.entries(codec).map(([subprotocol, one]) => [subprotocol, contentTypeOf(one)])
  return { '': contentTypeOf('json'), ...Object.fromEntries(bySubprotocol) }
}

function contentTypeOf (codec: CodecName | Codec): string {
  if (codec === 'json') return 'application/json'
  if (codec === 'raw') return 'application/octet-stream'
  return codec.contentType ?? (codec.binary ? 'application/octet-stream' : 'text/plain')
}

function isOne (codec: CodecOption): codec is CodecName | Codec {
  return typeof codec === 'string' || typeof codec.decode === 'function'
}
