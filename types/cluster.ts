/** Options of `clusterAdapter`. */
export interface ClusterAdapterOptions {
  /** Tells applications in the same workers apart: 1 to 64 of A–Z, a–z, 0–9, - and _. Default: `'typed-ws'`. */
  readonly namespace?: string
}

/** A process with an IPC channel to this one: a `Worker` of `node:cluster`, or a `ChildProcess` that was forked. */
export interface IpcProcess {
  /** As of `node:child_process`. */
  send (message: object, callback: (error: Error | null) => void): boolean
  /** As of `node:events`. */
  on (event: 'message' | 'disconnect' | 'exit', listener: (message: unknown) => void): unknown
  /** As of `node:events`. */
  off (event: 'message' | 'disconnect' | 'exit', listener: (message: unknown) => void): unknown
}

/** Carries the rooms of workers, in the process that has started them. */
export interface RoomCarrier {
  /** The ids of those that are joined now, as `app.rooms.status.nodes` has them. */
  readonly nodes: readonly string[]
  /** How many messages came that looked like ours and were not as they have to be. */
  readonly refused: number
  /** Carries the rooms of a process that was not started by `node:cluster`, until it ends. */
  add (child: IpcProcess): void
  /** Carries nothing any more: the workers' rooms go on, each alone. What histories have is forgotten. */
  stop (): void
}
