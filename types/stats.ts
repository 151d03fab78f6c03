import type { Traffic } from './connection.ts'

/** What `app.wsStats()` answers: of this server, now or since it was made. Sizes in bytes. */
export interface WsStats {
  readonly connections: {
    readonly open: number
    /** Since the server was made. */
    readonly opened: number
    /** Dropped, since they answered no ping of the heartbeat. */
    readonly silent: number
    /** Closed with 4408, since no message came within `idleTimeout`. */
    readonly idle: number
    /** Closed with 4401. */
    readonly expired: number
    /** Those that ended, by close code. What is no code of RFC 6455, and none that the server sent, is under `other`: clients may send thousands. */
    readonly closed: Readonly<Record<string, number>>
    /** Open ones by route, as it was declared, with its prefix. */
    readonly byRoute: Readonly<Record<string, number>>
  }
  readonly upgrades: {
    /** Neither accepted nor refused yet. */
    readonly pending: number
    /** Replies other than the 101, by status code. */
    readonly refused: Readonly<Record<string, number>>
    /** Clients that went before they had a reply. */
    readonly aborted: number
  }
  /** Of all connections. */
  readonly traffic: Traffic
  readonly messages: {
    /** Not JSON, or not valid. */
    readonly invalid: number
    /** Handlers that threw or rejected. */
    readonly failed: number
    /** Over their rate: refused, or how often reading paused. */
    readonly limited: number
  }
  /** Rooms with members in this process. */
  readonly rooms: number
  readonly memory: {
    /** What connections hold: what has come and is not handled, and what was sent and not taken. */
    readonly held: number
    /** The most that they held. */
    readonly peak: number
    /** `budget.process` */
    readonly limit: number
    /** What the operating system has not taken of what was sent. */
    readonly buffered: number
    /** Connections that were closed because it was spent. */
    readonly shed: number
    /** Connections that were closed because a message of theirs was larger than `maxPayload`. */
    readonly tooBig: number
  }
  /** Clients that did not read. */
  readonly slowConsumers: {
    /** Connections that were closed. */
    readonly closed: number
    /** Messages that were dropped. */
    readonly dropped: number
    /** Messages that a later one with the same key replaced. */
    readonly replaced: number
  }
}

/** What `app.wsReadiness()` answers: whether a load balancer should send new clients here. */
export interface WsReadiness {
  readonly ready: boolean
  /** `'starting'` before `app.ready()`, `'closing'` from `app.close()` on, `'full'` at `limits.connections`, `'memory'` where `budget.process` is nearly spent. */
  readonly reason: 'ok' | 'starting' | 'closing' | 'full' | 'memory'
}
