import type { FrameClient, RawRequest } from './frame-client.ts'
import { isHttp2 } from './http-version.ts'
import { Http1Client } from './http1-client.ts'
import { StreamClient } from './http2-client.ts'

export type { HttpReply, RawRequest } from './frame-client.ts'

/** What a version of HTTP has to offer. */
interface RawClients {
  /** Connects to the loopback interface. */
  connect (port: number, host?: string, localAddress?: string): Promise<RawClient>
  /** Connects, and opens a WebSocket. */
  open (port: number, path: string, request?: RawRequest): Promise<RawClient>
  /** Drops the clients that a test left open: none of them would answer the server's close. */
  dropAll (): void
}

export type RawClient = FrameClient

/** Clients of the version of HTTP that the tests run over. */
// eslint-disable-next-line @typescript-eslint/no-redeclare -- a type and its makers have one name, as a class has
export const RawClient: RawClients = isHttp2 ? StreamClient : Http1Client
