import { Type } from '@sinclair/typebox'
import type { Static } from '@sinclair/typebox'

const WebSocketEntry = Type.Object({
  /** Its URL, as it was declared. */
  route: Type.String(),
  /** Of the request that opened it. */
  httpVersion: Type.String(),
  /** Its stream's number in the session; null over HTTP/1.1. */
  stream: Type.Union([Type.Integer(), Type.Null()])
})

const TcpConnectionEntry = Type.Object({
  /** In the order in which they came. */
  number: Type.Integer(),
  httpVersion: Type.String(),
  webSockets: Type.Array(WebSocketEntry)
})

/** The TCP connections that have made a request and are still open, and what each carries. */
export const TcpConnectionList = Type.Object({ type: Type.Literal('list'), tcpConnections: Type.Array(TcpConnectionEntry) })

export type WebSocketData = Static<typeof WebSocketEntry>
export type TcpConnectionListData = Static<typeof TcpConnectionList>
