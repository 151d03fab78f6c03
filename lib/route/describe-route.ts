import type { FastifyInstance, RouteShorthandOptions } from 'fastify'
import type { Codec, CodecName, CodecOption } from '../../types/codec.ts'
import type { WsRoute } from '../../types/fastify.ts'
import type { WsSchema } from '../../types/schema.ts'
import type { ResolvedOptions } from '../options.ts'

/** What tools see of a route. */
export function describeRoute (instance: FastifyInstance, url: string, schema: WsSchema | undefined, config: unknown, options: ResolvedOptions): WsRoute {
  const { codec, subprotocols, maxPayload } = options
  const contentTypes = contentTypesOf(codec)
  return Object.freeze({
    url,
    schema: schema ?? null,
    config,
    subprotocols: typeof subprotocols === 'function' ? null : subprotocols ?? (isOne(codec) ? [] : Object.keys(codec)),
    contentTypes,
    maxPayload,
    get sharedSchemas () { return instance.getSchemas() }
  })
}

/** The URL that Fastify's router knows a route by; of the two that `/` has in a scope with a prefix, the one without a slash at its end. */
export function urlOf (prefix: string, url: string, prefixTrailingSlash: RouteShorthandOptions['prefixTrailingSlash']): string {
  if (url === '/' && prefix !== '' && prefixTrailingSlash !== 'slash') return prefix
  return url.startsWith('/') && prefix.endsWith('/') ? prefix + url.slice(1) : prefix + url
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
