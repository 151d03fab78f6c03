/* What this package says to clients itself, beside the messages of the application. Nothing here needs more than the language: front-ends import it. */

/** What a client is told when its message was refused or its handler failed. */
export interface ErrorMessage {
  readonly type: 'error'
  /** That of the message that it answers, where it had one. */
  readonly id?: string | number
  /** Such as `FST_ERR_WS_INVALID_MESSAGE`, or the application's own. */
  readonly code: string
  readonly message: string
  /** What the validator found. */
  readonly errors?: readonly unknown[]
}

/** What a client is sent `expiryWarning` milliseconds before its connection expires. */
export interface ExpiringNotice {
  readonly type: 'expiring'
  /** ISO 8601. */
  readonly expiresAt: string
}

/** What a client is sent with each ping of the server, where the route has `heartbeat: { notify: true }`: browsers do not show pings to a page. */
export interface HeartbeatNotice {
  readonly type: 'heartbeat'
  /** The next one comes within so many milliseconds. */
  readonly interval: number
}

/** What members of a room with history are sent when some of its messages are lost: something is missing before what follows `eventId`. */
export interface GapNotice {
  readonly type: 'gap'
  readonly room: string
  readonly eventId: string
}

/** Somebody in a room, as its members are told. */
export interface PresentMember<Data = unknown> {
  /** The connection's `id`. */
  readonly id: string
  /** What the room's `presence` made of the connection; absent where that was nothing, or is not known any more. */
  readonly data?: Data
}

/** What members of a room with `presence: { notify }` are sent. */
export interface PresenceNotice<Data = unknown> {
  readonly type: 'presence'
  readonly room: string
  /** How many are in it now, in the whole cluster. */
  readonly count: number
  readonly joined: ReadonlyArray<PresentMember<Data>>
  readonly left: ReadonlyArray<PresentMember<Data>>
  /** How many more joined or left than are listed. */
  readonly more?: number
}

/** All of them. */
export type Notice = ErrorMessage | ExpiringNotice | HeartbeatNotice | GapNotice | PresenceNotice
