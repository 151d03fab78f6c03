import type { ClientOptions, WebSocketConstructor } from '../../types/client.ts'
import { WsClientError } from './error.ts'
import type { RoomWords } from './rooms.ts'
import { surroundings } from './wake.ts'

/** Those of any contract. */
export interface AnyOptions extends Omit<ClientOptions, 'discriminator' | 'rooms'> {
  readonly discriminator?: string
  readonly rooms?: RoomWords
}

/** Milliseconds, and numbers of messages. A silence of 0 is none that ends a connection. */
const defaults = { base: 500, cap: 30_000, connectTimeout: 10_000, requestTimeout: 10_000, silenceTimeout: 0, size: 100, buffer: 1_000 }

/** No timer runs for longer. */
const longest = 2 ** 31 - 1

const json = {
  encode: (message: unknown) => JSON.stringify(message),
  decode: (payload: string | ArrayBuffer): unknown => JSON.parse(payload as string)
}

/** The options, with what they are where nothing is said. */
export function resolveOptions (options: AnyOptions) {
  const given = { ...options, ...options.reconnect || {}, ...options.queue }
  const numbers = { ...defaults }
  for (const name of Object.keys(defaults) as Array<keyof typeof defaults>) {
    const value = given[name] ?? defaults[name]
    if (!(value >= 0 && value <= longest)) throw wrong(`${name} can't be ${value}`)
    numbers[name] = value
  }
  const WebSocket = options.WebSocket ?? surroundings.WebSocket as WebSocketConstructor | undefined
  if (WebSocket === undefined) throw wrong('pass a WebSocket')
  return { ...given, ...numbers, WebSocket, codec: options.codec ?? json }
}

/** The address of a route, as a WebSocket takes it. */
export function resolveUrl (url: string | { readonly href: string }): URL {
  let resolved
  try {
    resolved = new URL(Object(url).href ?? url, surroundings.location?.href)
  } catch (error) {
    throw wrong(String(error))
  }
  resolved.protocol = resolved.protocol.replace('http', 'ws')
  resolved.hash = ''
  return resolved
}

/** What no other attempt would make better. */
export function wrong (message: string): WsClientError {
  return new WsClientError('WS_CLIENT_OPTION', message)
}
