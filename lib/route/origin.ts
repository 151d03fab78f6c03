import type { FastifyRequest } from 'fastify'
import type { OriginOption } from '../../types/options.ts'
import { FST_ERR_WS_OPTION } from '../errors.ts'

/** Whether a page of this origin may connect. */
export type OriginPolicy = (origin: string, request: FastifyRequest) => boolean | Promise<boolean>

/** An origin as browsers write it (RFC 6454 section 6.2): what else URLs may look like, `new URL` would put right, and nobody sends. */
const originPattern = /^[a-z][a-z0-9+.-]*:\/\/(?:\[[0-9a-f:.]+\]|[\w~!$&'()*+,;=-]+(?:\.[\w~!$&'()*+,;=-]+)*\.?)(?::[0-9]+)?$/i

/** One that is allowed, perhaps with a wildcard for the labels before it; its host may be written in any language. */
const allowedPattern = /^([a-z][a-z0-9+.-]*:\/\/)(\*\.)?([^\s*/\\?#@%]+)$/i

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
  if (option instanceof RegExp) refuseRegExp(option)
  throw new FST_ERR_WS_OPTION('origin', "must be 'same-origin', origins such as 'https://*.example.com', a function, or { dangerouslyAllowAny: true }")
}

function anyOf (policies: Array<(origin: string, request: FastifyRequest) => boolean>): OriginPolicy {
  return (origin, request) => policies.some(policy => policy(origin, request))
}

function compileOne (allowed: unknown): (origin: string, request: FastifyRequest) => boolean {
  if (allowed === 'same-origin') return isSameOrigin
  // The origin of sandboxed frames and local files: theirs who write it down.
  if (allowed === 'null') return origin => origin === 'null'
  if (allowed instanceof RegExp) refuseRegExp(allowed)
  const parts = typeof allowed === 'string' ? allowedPattern.exec(allowed) : null
  const normal = parts === null ? null : normalOf(parts[1] + parts[3])
  if (parts === null || normal === null || !originPattern.test(normal)) {
    throw new FST_ERR_WS_OPTION('origin', `${String(allowed)} is not an origin such as 'https://example.com' or 'https://*.example.com'`)
  }
  if (parts[2] === undefined) return origin => normalize(origin) === normal
  const { protocol, host } = new URL(normal)
  const start = `${protocol}//`
  const suffix = `.${host}`
  return origin => {
    const normal = normalize(origin)
    // The pattern of origins has no empty label: what is before the suffix is at least one.
    return normal !== null && normal.startsWith(start) && normal.endsWith(suffix)
  }
}

/** One that lacks an anchor or escapes no dot lets others in, and looks right. */
function refuseRegExp (pattern: RegExp): never {
  throw new FST_ERR_WS_OPTION('origin', `the RegExp ${String(pattern)} is not taken: write origins, 'https://*.example.com' for all subdomains, or a function`)
}

/** Scheme, host and port of the request; behind a proxy that Fastify trusts, those that the proxy saw. */
function isSameOrigin (origin: string, request: FastifyRequest): boolean {
  // Some proxies, as Traefik, forward the scheme of the WebSocket, and not that of the page.
  const scheme = request.protocol.replace(/^ws/, 'http')
  // An empty port is none (RFC 3986 section 3.2.3).
  const own = normalize(`${scheme}://${request.host.replace(/:$/, '')}`)
  return own !== null && normalize(origin) === own
}

/** An origin in its one spelling: lower case, without a default port. `null` for what is none. */
function normalize (origin: string): string | null {
  return originPattern.test(origin) ? normalOf(origin) : null
}

function normalOf (origin: string): string | null {
  if (!URL.canParse(origin)) return null
  const { protocol, host } = new URL(origin)
  return `${protocol}//${host}`
}
