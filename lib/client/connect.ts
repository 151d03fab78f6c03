import type { Client, ClientOptions } from '../../types/client.ts'
import type { Contract } from '../../types/contract.ts'
import { WsClient } from './client.ts'

/**
 * Connects to a WebSocket route, and keeps connected.
 *
 * @param url of the route: `wss:`, `ws:`, `https:` or `http:`, or relative to the page
 * @throws WsClientError WS_CLIENT_OPTION
 */
export function connect<C extends Contract = Contract> (url: string | { readonly href: string }, options: ClientOptions<C> = {}): Client<C> {
  return new WsClient(url, options) as Client<C>
}
