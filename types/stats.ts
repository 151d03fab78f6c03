/** What `app.wsStats()` answers: of this server, now or since it was made. Sizes in bytes. */
export interface WsStats {
  readonly connections: {
    readonly open: number
    /** Since the server was made. */
    readonly opened: number
    /** Dropped, since they answered no ping of the heartbeat. */
    readonly silent: number
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
