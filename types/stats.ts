import type { AdapterState } from './adapter.ts'
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
  /** What goes to other processes, and comes from them. */
  readonly adapter: {
    readonly state: AdapterState
    /** How often it became unavailable. */
    readonly lost: number
    /** Processes that are alive, this one included. */
    readonly nodes: number
    /** Envelopes that it took. */
    readonly published: number
    /** Envelopes, and events of histories, that it brought. */
    readonly received: number
    /** Messages that it did not take: members in other processes missed them, or `send` rejected. */
    readonly failed: number
    /** What came and was no envelope, or not signed as it should be. */
    readonly refused: number
    /** Messages to rooms with history that it has not taken yet. */
    readonly waiting: number
  }
  /** Of rooms with history. */
  readonly history: {
    /** Joins that got everything they had missed. */
    readonly recovered: number
    /** Joins with a `since` whose messages were not all kept any more. */
    readonly unrecovered: number
    /** Messages that were replayed to joins. */
    readonly replayed: number
    /** Gaps between what came and what had come before it that were filled. */
    readonly gaps: number
    /** Gaps that could not be filled: members were told. */
    readonly broken: number
  }
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
