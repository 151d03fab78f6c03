import type { FastifyBaseLogger } from 'fastify'
import type { JoinOptions, JoinResult, RoomMessage, RoomSender } from './rooms.ts'

/** The states of the WebSocket interface that browsers have. */
export type ReadyState = 0 | 1 | 2 | 3

/** One client, as the application sees it. */
export interface Connection<SentMessage = unknown, Data = unknown> {
  /** Unique in the cluster. */
  readonly id: string
  /** What `onOpen` returned. */
  readonly data: Data
  /** The upgrade request's logger. */
  readonly log: FastifyBaseLogger
  /** What `limitKey` answered for the upgrade request: whose connection it is. */
  readonly key: string | undefined
  /** The negotiated subprotocol, `''` when there is none. */
  readonly protocol: string
  /** 0 connecting (`onOpen` runs), 1 open, 2 closing, 3 closed. */
  readonly readyState: ReadyState
  /** Bytes that wait to be taken by the operating system. */
  readonly bufferedAmount: number
  /** `false` while `highWaterMark` bytes or more wait: a polite producer awaits `drained()`. */
  readonly writable: boolean
  /** When it is closed with 4401; null for never. */
  readonly expiresAt: Date | null
  /** The round trip of the last ping that was answered, the heartbeat's or `ping()`'s, in milliseconds; null before the first. */
  readonly latency: number | null
  /** What has gone over it. */
  readonly traffic: Traffic
  /** Aborted when the connection closes; pass it on to whatever works for this client. */
  readonly signal: AbortSignal
  /** The names of the rooms that it is in. */
  readonly rooms: ReadonlySet<string>

  /**
   * Sends a message. After the close has begun it does nothing, as in browsers.
   *
   * A Buffer that codec `raw` sends may not be copied: it is not to be changed, or transferred, before `bufferedAmount` is 0.
   *
   * @throws FST_ERR_WS_SEND_INVALID when the message is none that `schema.send` declares
   */
  send (message: SentMessage): void
  /** Settles when fewer than `highWaterMark` bytes wait, or when nothing more can be sent. */
  drained (): Promise<void>
  /**
   * Starts the closing handshake (RFC 6455 section 7.1.2).
   *
   * @param code 1000 (default), 1001–1003, 1007–1014 or 3000–4999
   * @param reason at most 123 bytes of UTF-8
   * @throws FST_ERR_WS_CLOSE_CODE, FST_ERR_WS_CLOSE_REASON
   */
  close (code?: number, reason?: string): void
  /** Drops the connection at once, without the closing handshake. */
  terminate (): void
  /**
   * Sends a ping; settles with the round trip in milliseconds.
   *
   * @throws FST_ERR_WS_CLOSED when the connection closes before the pong
   */
  ping (): Promise<number>
  /**
   * Sets when it expires, in place of what `request.wsExpiresAt` said: the client has shown a new token.
   *
   * @param expiresAt a Date, or milliseconds since 1970; null for never
   * @throws FST_ERR_WS_EXPIRES_AT when it is no time
   */
  renew (expiresAt: Date | number | null): void

  /**
   * Joins a room, in this process at once. The promise settles when its messages arrive from other processes too, and when what was missed since `since` has been sent.
   *
   * ```ts
   * const { recovered, eventId } = await connection.join('forum:tea', { since: message.since })
   * ```
   *
   * @throws FST_ERR_WS_ROOM_LIMIT beyond `limits.rooms`, FST_ERR_WS_ROOM_UNAVAILABLE where a history is not reached within `adapterTimeout`: it is no member then
   */
  join (room: string, options?: JoinOptions): Promise<JoinResult>
  /** Leaves a room; does nothing when it is not in it. */
  leave (room: string): Promise<void>
  /** Everybody in the room but this connection. */
  to<Name extends string> (room: Name): RoomSender<RoomMessage<Name, SentMessage>>
}

/**
 * What went one way: messages of the application, and bytes of the network, frame headers and control frames included. What is sent counts when it is
 * given to be sent, so with what a slow client is then spared.
 */
export interface Flow {
  readonly messages: number
  readonly bytes: number
}

/** What has gone over a connection so far. */
export interface Traffic {
  readonly received: Flow
  readonly sent: Flow
}

/** Who ended a connection: who sent the first close frame, or dropped it; `'network'` where it was lost. */
export type ClosedBy = 'client' | 'server' | 'network'

/** How a connection ended. */
export interface CloseInfo {
  /** The close code: the peer's, ours, 1005 for none, 1006 when the connection was lost (RFC 6455 section 7.4). */
  readonly code: number
  readonly reason: string
  /** Whether the closing handshake was completed by both sides. */
  readonly wasClean: boolean
  readonly closedBy: ClosedBy
  /** How long it lasted, in milliseconds. */
  readonly duration: number
  /** The rooms that it was in. */
  readonly rooms: readonly string[]
}
