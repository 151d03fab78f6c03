/** An argument of a command, or its name. */
export type Argument = string | Buffer

/** What a connection tells whoever opened it. */
export interface ConnectionListener {
  onMessage (key: string, bytes: Buffer): void
  /** It is of no more use. */
  onLost (error: Error): void
}

/** One connection to one server, which does not come back once it is lost. Nothing waits for it to be there, and nothing is sent twice. */
export interface RedisConnection {
  connect (): Promise<void>
  /** Sends all of them at once, in order. Bytes come back as Buffers. */
  send (commands: ReadonlyArray<readonly Argument[]>): Promise<Array<PromiseSettledResult<unknown>>>
  ping (): Promise<unknown>
  subscribe (keys: readonly string[]): Promise<unknown>
  unsubscribe (keys: readonly string[]): Promise<unknown>
  /** Of a cluster: all keys are of one slot. */
  subscribeSharded (keys: readonly string[]): Promise<unknown>
  unsubscribeSharded (keys: readonly string[]): Promise<unknown>
  end (): void
}

/** Makes a connection to one server. */
export type NewConnection = (listener: ConnectionListener) => RedisConnection

/** What the adapter needs of a library. */
export interface RedisPort {
  readonly isCluster: boolean
  /** The server; of a cluster all that are masters now. `signal` gives up looking for them. */
  findServers (signal: AbortSignal): Promise<NewConnection[]>
}

/** The name under which operators see the connections. */
export const connectionName = 'fastify-typed-ws'

export function hasMethods<Name extends string> (value: unknown, names: readonly Name[]): value is Record<Name, (...args: never[]) => unknown> {
  return typeof value === 'object' && value !== null && names.every(name => name in value && typeof Reflect.get(value, name) === 'function')
}

export function errorOf (reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason))
}
