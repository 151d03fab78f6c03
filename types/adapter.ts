import type { FastifyBaseLogger } from 'fastify'

/** What one process tells the others. Plain data: an adapter may put it on any wire. */
export type Envelope = MessageEnvelope | CloseEnvelope | ControlEnvelope

/** Who published it, and which of what it published it is. */
interface EnvelopeOrigin {
  /** The id of the process that published. */
  readonly node: string
  /** Counts what that process published, from 1 on: an envelope that comes twice is known by it. */
  readonly seq: number
}

/** A message to a room. */
export interface MessageEnvelope extends EnvelopeOrigin {
  readonly kind: 'json' | 'text' | 'binary'
  /** JSON text for `json`, the text itself for `text`, bytes for `binary`. Encoded once, by the publisher. */
  readonly payload: string | Buffer
  /** Ids of connections that must not receive it, usually the sender. */
  readonly except: readonly string[]
}

/** Closes the members of a room. */
export interface CloseEnvelope extends EnvelopeOrigin {
  readonly kind: 'close'
  readonly code: number
  readonly reason: string
}

/** What the registries say to each other: presence, questions and their answers. */
export interface ControlEnvelope extends EnvelopeOrigin {
  readonly kind: 'control'
  /** JSON text */
  readonly payload: string
}

/** How much of a room is kept. */
export interface HistorySettings {
  /** How many messages. */
  readonly size: number
  /** How long each of them, in milliseconds. */
  readonly ttl: number
}

/** A place in a room's history. An epoch ends when the history is lost: offsets of two epochs say nothing about each other. */
export interface Position {
  /** 1 to 64 of A–Z, a–z, 0–9. */
  readonly epoch: string
  /** Larger for later messages; 0 before the first. */
  readonly offset: number
}

/** A message of a room with history, as it was put into it. */
export interface HistoryEvent extends Position {
  /** The offset of the message before it: whoever has that one has missed none. */
  readonly previous: number
  readonly envelope: MessageEnvelope
}

/** A part of a room's history: its end. */
export interface HistoryPage {
  readonly epoch: string
  /** The offset of the newest message, 0 for none. */
  readonly head: number
  /** All messages after this offset are kept, perhaps none; at most `head`. */
  readonly floor: number
  /** In order, without gaps, up to `head`. */
  readonly events: readonly HistoryEvent[]
}

/** Keeps the messages of rooms, in one order for all processes. Its methods reject while the carrier is unavailable; what they were asked for may still happen. */
export interface AdapterHistory {
  /**
   * Appends messages of this process, in order, and publishes each to all who have subscribed, this process included, with its place. Both happen or neither.
   * Whoever repeats it, since it has not heard what became of it, appends nothing twice. One at a time for one channel; settles when they are kept. Rejects with
   * FST_ERR_WS_SEND_INVALID where one of them can never be appended, such as one that is too large for the carrier; each is then tried by itself.
   */
  append (channel: string, envelopes: readonly MessageEnvelope[], settings: HistorySettings): Promise<void>
  /**
   * Reads what is kept after a position. Where that is of another epoch, or null, there are no `events`. A channel without history begins one.
   */
  read (channel: string, after: Position | null, settings: HistorySettings): Promise<HistoryPage>
}

/** Whether an adapter reaches the others. */
export type AdapterState = 'ready' | 'unavailable'

/** What the registry gives an adapter when it starts. */
export interface AdapterContext {
  /** The id of this process, unique in the cluster: 1 to 64 of A–Z, a–z, 0–9, - and _. */
  readonly node: string
  readonly log: FastifyBaseLogger
  /** Call it for each envelope that another process published to a subscribed channel. */
  readonly onEnvelope: (channel: string, envelope: Envelope) => void
  /** Call it for each message that was appended to the history of a subscribed channel, by whatever process. */
  readonly onEvent: (channel: string, event: HistoryEvent) => void
  /**
   * Call it when the carrier is lost, and when it is back and everything that was subscribed to is subscribed to again. It is taken to be ready once `start` has settled.
   */
  readonly onState: (state: AdapterState, error: Error | null) => void
  /** Call it when something came that is no envelope, or is not signed as it should be. It counts them; nothing else is to be done. */
  readonly onRefused: (channel: string, error: Error) => void
}

/**
 * Carries envelopes between processes, over channels: strings of up to 300 characters of any kind, one for each room and a few more. The registry delivers to this
 * process's own members by itself, so an adapter never hands an envelope back to the process that published it; events of a history it does.
 *
 * What one process publishes to one channel arrives in order. The registry calls `subscribe` and `unsubscribe` of one channel in turn, never two of them at once.
 */
export interface Adapter {
  /** null, or absent, where it keeps none: rooms with history can't be declared then. */
  readonly history?: AdapterHistory | null
  /** Called once, before the server accepts connections. Rejects when the carrier can't be reached. */
  start (context: AdapterContext): Promise<void>
  /** Settles when the carrier has taken the envelope; rejects at once while it is unavailable. */
  publish (channel: string, envelope: Envelope): Promise<void>
  /** Called when the first one in this process wants the channel. While the carrier is unavailable it settles at once, and subscribes when that is back. */
  subscribe (channel: string): Promise<void>
  /** Called when nobody in this process wants the channel any more. */
  unsubscribe (channel: string): Promise<void>
  /** Called once, after the last connection has closed. */
  stop (): Promise<void>
}
