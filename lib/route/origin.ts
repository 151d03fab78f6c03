import type { FastifyRequest } from 'fastify'
import type { OriginOption } from '../../types/options.ts'
import { FST_ERR_WS_OPTION } from '../errors.ts'

/** Whether a page of this origin may connect. */
export type OriginPolicy = (origin: string, request: FastifyRequest) => boolean | Promise<boolean>

/**
 * What decides about the `Origin` header of upgrade requests, by which browsers tell whose page connects
 * (RFC 6455 section 10.2): any page of the web can open a WebSocket to any server, with that server's cookies.
 *
 * @throws FST_ERR_WS_OPTION
 */
export function compileOrigin (option: OriginOption): OriginPolicy | null {
  if (typeof option === 'function') return option
  if (typeof option === 'string' || Array.isArray(option)) return anyOf(([] as string[]).concat(option).map(compileOne))
  if (typeof option === 'object' && option !== null && 'dangerouslyAllowAny' in option && option.dangerouslyAllowAny === true) return null
  throw new FST_ERR_WS_OPTION('origin', "must be 'same-origin', origins such as 'https://*.example.com', a function, or { dangerouslyAllowAny: true }")
}

function anyOf (policies: Array<(origin: string, request: FastifyRequest) => boolean>): OriginPolicy {
  return (origin, request) => policies.some(policy => policy(origin, request))
}

function compileOne (allowed: unknown): (origin: string, request: FastifyRequest) => boolean {
  if (allowed === 'same-origin') return isSameOrigin
  // The origin of sandboxed frames and local files: theirs who write it down.
  if (allowed === 'null') return origin => origin === 'null'
  const parts = typeof allowed === 'string' ? /^([a-z][a-z0-9+.-]*:\/\/)(\*\.)?([^*/]+)$/i.exec(allowed) : null
  const normal = parts === null ? null : normalize(parts[1] + parts[3])
  if (parts === null || normal === null) {
    throw new FST_ERR_WS_OPTION('origin', `${String(allowed)} is not an origin such as 'https://example.com' or 'https://*.example.com'`)
  }
  if (parts[2] === undefined) return origin => normalize(origin) === normal
  const { protocol, host } = new URL(normal)
  const suffix = `.${host}`
  return origin => {
    const url = parse(origin)
    return url !== null && url.protocol === protocol && url.host.endsWith(suffix) && url.host.length > suffix.length
  }
}

/** Scheme, host and port of the request; behind a proxy that Fastify trusts, those that the proxy saw. */
function isSameOrigin (origin: string, request: FastifyRequest): boolean {
  const own = normalize(`${request.protocol}://${request.host}`)
  return own !== null && normalize(origin) === own
}

/** An origin in its one spelling: lower case, without a default port. `null` for what is none. */
function normalize (origin: string): string | null {
  const url = parse(origin)
  return url === null || url.host === '' ? null : `${url.protocol}//${url.host}`
}

function parse (origin: string): URL | null {
  if (!URL.canParse(origin)) return null
  const url = new URL(origin)
  const isBare = url.username === '' && url.password === '' && url.search === '' && url.hash === '' && (url.pathname === '/' || url.pathname === '')
  return isBare ? url : null
}
