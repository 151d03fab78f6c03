import type { BrokerAdapterOptions } from './broker.ts'

/** Headers of a message, as far as the adapter reads them. */
export interface NatsHeaders {
  get (name: string): string
  /** Of an answer that is no message: why there is none, as in HTTP. */
  readonly code?: number
}

/** A message that a subscription brings. */
export interface NatsMessage {
  readonly subject: string
  readonly data: Uint8Array
  readonly reply?: string
  readonly headers?: NatsHeaders
}

/** What `subscribe` answers. */
export interface NatsSubscription {
  unsubscribe (): void
}

/** What happens to a connection. */
export interface NatsStatus {
  readonly type: string
  readonly error?: unknown
}

/** What the adapter needs of a connection: a `NatsConnection` of `@nats-io/transport-node` 3, or of another transport of the same library. */
export interface NatsConnectionLike {
  readonly info?: { readonly max_payload: number }
  publish (subject: string, payload: Uint8Array, options?: { reply?: string }): void
  subscribe (subject: string, options: { callback: (error: Error | null, message: NatsMessage) => void }): NatsSubscription
  request (subject: string, payload: string, options: { timeout: number }): Promise<NatsMessage>
  flush (): Promise<void>
  status (): AsyncIterable<NatsStatus> & { stop?: () => void }
  isClosed (): boolean
}

/** What the adapter needs of JetStream: what `jetstream(connection)` of `@nats-io/jetstream` 3 answers, for the same connection. */
export interface NatsJetStreamLike {
  readonly apiPrefix: string
  publish (subject: string, payload: Uint8Array, options: {
    msgID: string
    timeout: number
    expect: { streamName: string, lastSubjectSequence?: number }
  }): Promise<{ readonly stream: string, readonly seq: number }>
}

/** Options of `natsAdapter`. */
export interface NatsAdapterOptions extends BrokerAdapterOptions {
  /**
   * A connection of the application's own, which goes on using it, and closes it after the server. Connect with `maxReconnectAttempts: -1`: one that has given up does not come back.
   */
  readonly connection: NatsConnectionLike
  /** JetStream of that connection. Without it rooms have no history. */
  readonly jetstream?: NatsJetStreamLike
  /** How many servers keep the histories, 1 to 5. Default: 1. */
  readonly replicas?: number
  /** Where the histories are kept: in a `'file'`, or in `'memory'`, which a restart of the server empties. Default: `'file'`. */
  readonly storage?: 'file' | 'memory'
  /** How long the server may take to answer before it is taken to be lost, in milliseconds. Default: 2,000. */
  readonly commandTimeout?: number
}
