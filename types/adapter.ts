import type { FastifyBaseLogger } from 'fastify'

/** What one process tells the others about a room. Plain data: an adapter may put it on any wire. */
export type Envelope = MessageEnvelope | CloseEnvelope

export interface MessageEnvelope {
  readonly kind: 'json' | 'text' | 'binary'
  /** The id of the process that published. */
  readonly node: string
  /** JSON text for `json`, the text itself for `text`, bytes for `binary`. Encoded once, by the publisher. */
  readonly payload: string | Buffer
  /** Ids of connections that must not receive it, usually the sender. */
  readonly except: readonly string[]
}

export interface CloseEnvelope {
  readonly kind: 'close'
  readonly node: string
  readonly code: number
  readonly reason: string
}

/** What the registry gives an adapter when it starts. */
export interface AdapterContext {
  /** The id of this process, unique in the cluster. */
  readonly node: string
  readonly log: FastifyBaseLogger
  /** Call it for each envelope that another process published to a subscribed room. */
  readonly onEnvelope: (room: string, envelope: Envelope) => void
}

/**
 * Carries room traffic between processes. The registry delivers to this process's own members by itself,
 * so an adapter never hands an envelope back to the process that published it.
 *
 * The registry calls `subscribe` and `unsubscribe` of one room in turn, never two of them at once.
 */
export interface Adapter {
  /** Called once, before the server accepts connections. */
  start (context: AdapterContext): Promise<void>
  /** Settles when the carrier has taken the envelope. */
  publish (room: string, envelope: Envelope): Promise<void>
  /** Called when the room gets its first member in this process. */
  subscribe (room: string): Promise<void>
  /** Called when the room lost its last member in this process. */
  unsubscribe (room: string): Promise<void>
  /** Called once, after the last connection has closed. */
  stop (): Promise<void>
}
