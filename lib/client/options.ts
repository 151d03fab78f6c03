import type { ClientOptions, WebSocketConstructor } from '../../types/client.ts'
import type { Contract } from '../../types/contract.ts'
import { WsClientError } from './error.ts'
import { surroundings } from './wake.ts'

/** No timer runs for longer. */
const longest = 2 ** 31 - 1

/** The options, with what they are where nothing is said. Milliseconds. */
export function resolveOptions<C extends Contract> (options: ClientOptions<C>) {
  const { reconnect = {}, queue: { size = 100, policy = 'throw' } = {}, buffer = 1_000 } = options
  const { base = 500, cap = 30_000 } = reconnect || {}
  const { connectTimeout = 10_000, requestTimeout = 10_000, silenceTimeout = 0, codec = json } = options
  const WebSocket = options.WebSocket ?? surroundings.WebSocket as WebSocketConstructor | undefined
  if (WebSocket === undefined) throw new WsClientError('WS_CLIENT_OPTION', 'there is no WebSocket')
  const numbers = { base, cap, connectTimeout, requestTimeout, size, buffer, silenceTimeout }
  for (const [name, value] of Object.entries(numbers)) {
    if (!(value >= 0 && value <= longest)) throw new WsClientError('WS_CLIENT_OPTION', `${name} is no number from 0 to ${longest}`)
  }
  return { ...options, ...numbers, policy, codec, WebSocket, protocols: [options.protocols ?? []].flat(), discriminator: options.discriminator ?? 'type' }
}

const json = {
  encode: (message: unknown) => JSON.stringify(message),
  decode: (payload: string | ArrayBuffer): unknown => JSON.parse(payload as string)
}

/** The address of a route, as a WebSocket takes it. */
export function resolveUrl (url: string | { readonly href: string }): URL {
  try {
    const resolved = new URL(typeof url === 'string' ? url : url.href, surroundings.location?.href)
    resolved.protocol = resolved.protocol.replace('http', 'ws')
    resolved.hash = ''
    if (/^wss?:$/.test(resolved.protocol)) return resolved
  } catch {}
  throw new WsClientError('WS_CLIENT_OPTION', `${url} is no address of a WebSocket`)
}
