import type { Client, ClientOptions } from '../../types/client.ts'
import type { Contract } from '../../types/contract.ts'
import { WsClientError } from './error.ts'

/**
 * Connects to a WebSocket route, and keeps connected.
 *
 * @param url of the route: `wss:`, `ws:`, `https:` or `http:`, or relative to the page
 * @throws WsClientError WS_CLIENT_OPTION
 */
export function connect<C extends Contract = Contract> (_url: string | URL, _options: ClientOptions<C> = {}): Client<C> {
  throw new WsClientError('WS_CLIENT_OPTION', 'there is no client yet')
}
