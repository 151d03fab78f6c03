import { fieldsOf } from './carrier.ts'
import type { Target } from './carrier.ts'
import type { RequestSpec } from './case.ts'

/** The fields of an extended CONNECT (RFC 8441 section 5.1), as pairs. */
export function connectFields ({ host, port, path, secure = false }: Target, request: RequestSpec, offers: readonly string[]): Array<[name: string, value: string]> {
  const { method = 'CONNECT', target } = request
  const authority = `${host}:${port}`
  return fieldsOf({
    ':method': method,
    ':protocol': 'websocket',
    ':scheme': secure ? 'https' : 'http',
    ':authority': authority,
    ':path': target?.(path, authority) ?? path,
    'sec-websocket-version': '13',
    'sec-websocket-extensions': offers
  }, request)
}
