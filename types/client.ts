import type { ClientMessage, Contract, MessageOfType, ReplyTo, Requests, ServerMessage, TypeOfMessage, Undeclared } from './contract.ts'
import type { Notice } from './notices.ts'
import type { DiscriminatorOf } from './union.ts'

/** What of the WebSocket interface is used: that of browsers, of Node ≥ 22, of undici and of ws. */
export interface WebSocketLike {
  readonly readyState: number
  readonly protocol: string
  readonly bufferedAmount: number
  binaryType: string
  onopen: ((event: never) => void) | null
  onmessage: ((event: never) => void) | null
  onerror: ((event: never) => void) | null
  onclose: ((event: never) => void) | null
  send (data: never): void
  close (code?: number, reason?: string): void
}

/** What makes a WebSocket: the global of browsers and of Node ≥ 22, or that of undici or ws. */
export type WebSocketConstructor = new (url: string, protocols?: string[]) => WebSocketLike

/**
 * Where a client is. `connecting`: an attempt is being made. `open`: messages go both ways. `waiting`: for the next attempt, or for the network. `closed`: for
 * good, by `close()`, because the server refused it, or because it had no more to say (1000).
 */
export type ClientState = 'connecting' | 'open' | 'waiting' | 'closed'

/** What a listener of the state is told. */
export interface StateChange {
  readonly state: ClientState
  /** How the last connection ended; null where there was none yet. */
  readonly lost: LostConnection | null
  /** In how many milliseconds the next attempt is made; null where none is planned: without a network, and when the server closed it as idle (4408). */
  readonly retryIn: number | null
}

/** How a connection ended (RFC 6455 section 7.1.5). */
export interface LostConnection {
  /** 1006 where it was lost, or never came about: browsers don't tell a refused upgrade from a server that is away. */
  readonly code: number
  readonly reason: string
}

/** What the next attempt brings along. */
export interface Credentials {
  /** Added to the query of the URL. */
  readonly query?: Readonly<Record<string, string>>
  /** Offered before `protocols`: as a browser can set no header, some servers read a token there. */
  readonly protocols?: readonly string[]
}

/** How a value becomes a payload. Binary ones arrive as an `ArrayBuffer`. */
export interface ClientCodec {
  /** The payload of a message. */
  encode (message: unknown): string | ArrayBuffer | Uint8Array<ArrayBuffer>
  /** A message from its payload; what it throws drops the message. */
  decode (payload: string | ArrayBuffer): unknown
}

/** When a lost connection is tried again: after a time at random between 0 and `base * 2 ** attempt`, at most `cap`. Milliseconds. */
export interface ReconnectOptions {
  /** Default: 500. */
  readonly base?: number
  /** Default: 30,000. */
  readonly cap?: number
}

/** What becomes of messages that are sent while there is no connection. */
export interface QueueOptions {
  /** How many may wait; 0 for none. Default: 100. */
  readonly size?: number
  /** What becomes of those beyond it: `'throw'` a `WS_CLIENT_QUEUE_FULL` at whoever sends, or drop one. Default: `'throw'`. */
  readonly policy?: 'throw' | 'drop-oldest' | 'drop-newest'
}

/** How rooms are joined over this route. Needed only where it has words of its own for that. */
export interface RoomsOptions<C extends Contract> {
  /** The message that joins. Default: `{ type: 'join', room, since }`, without `since` where there is none. */
  readonly join?: (room: string, since: string | undefined) => Requests<C>
  /** The message that leaves. Default: `{ type: 'leave', room }`. */
  readonly leave?: (room: string) => ClientMessage<C>
  /** The room that a message with an `eventId` came from. Default: its `room`, else the only one that was joined. */
  readonly roomOf?: (message: ServerMessage<C>) => string | undefined
}

/** Options of `connect`. Durations in milliseconds. */
export interface ClientOptions<C extends Contract = Contract> {
  /** Default: that of the browser, or of Node. */
  readonly WebSocket?: WebSocketConstructor
  /** The subprotocols that are offered (RFC 6455 section 1.9). */
  readonly protocols?: string | readonly string[]
  /** Default: JSON. */
  readonly codec?: ClientCodec
  /** The property that tells messages apart. Default: `'type'`. */
  readonly discriminator?: DiscriminatorOf<ServerMessage<C>> & string
  /**
   * Called before each attempt: a token is as fresh as it can be. `refused` is how the server ended the last connection, where it did so with 1008 or 4400 to 4499, but
   * 4408: only then, what is answered decides whether there is another attempt. null, or an error, ends it; so does a refusal of what was answered, before
   * anything has come.
   */
  readonly authenticate?: (refused: LostConnection | null) => Credentials | null | Promise<Credentials | null>
  /** `false`: a lost connection is not tried again. */
  readonly reconnect?: false | ReconnectOptions
  readonly queue?: QueueOptions
  readonly rooms?: RoomsOptions<C>
  /** How long an attempt may take. Default: 10,000. */
  readonly connectTimeout?: number
  /** How long an answer may take, from the call of `request`. A join that takes longer, once it was sent, is asked for over another connection. Default: 10,000. */
  readonly requestTimeout?: number
  /**
   * How long nothing may come before a connection is taken for dead. Default: as the server says in its heartbeat (route option `heartbeat: { notify: true }`);
   * without that, for ever.
   */
  readonly silenceTimeout?: number
  /** How many messages may wait for a loop `for await`; one more ends the loop with `WS_CLIENT_OVERFLOW`. Default: 1,000. */
  readonly buffer?: number
}

/** Options of `client.request`. */
export interface RequestOptions {
  /** Milliseconds. Default: `requestTimeout`. */
  readonly timeout?: number
  /** Aborted: the answer is no longer waited for. */
  readonly signal?: AbortSignalLike
}

/** What of an `AbortSignal` is used. */
export interface AbortSignalLike {
  readonly aborted: boolean
  readonly reason: unknown
  addEventListener (type: 'abort', listener: () => void): void
  removeEventListener (type: 'abort', listener: () => void): void
}

/** What a room's join is answered with: that of the contract's message `join`, where there is one. */
export type JoinReply<C extends Contract> = [Extract<ClientMessage<C>, { type: 'join' }>] extends [never]
  ? ReplyTo<C, Requests<C>>
  : ReplyTo<C, Extract<ClientMessage<C>, { type: 'join' }>>

/** What `onClosed`, `request` and loops fail with, beside the errors of the server. */
export type ClientErrorCode =
  /** No answer in time. */
  | 'WS_CLIENT_TIMEOUT'
  /** The connection was lost after the message left: whether it was handled is not known. */
  | 'WS_CLIENT_LOST'
  /** The client is closed. */
  | 'WS_CLIENT_CLOSED'
  /** More messages wait for a connection than `queue.size`. */
  | 'WS_CLIENT_QUEUE_FULL'
  /** More messages wait for a loop than `buffer`. */
  | 'WS_CLIENT_OVERFLOW'
  /** The room was left before its join was answered. */
  | 'WS_CLIENT_LEFT'
  /** What came can't be decoded. `on('error')` is told, and the connection goes on. */
  | 'WS_CLIENT_PAYLOAD'
  /** An option is none, or there is no WebSocket. */
  | 'WS_CLIENT_OPTION'

/**
 * One end of a WebSocket route, over as many connections as it takes. It iterates over the messages that the server sends, replies excepted; a loop ends when the
 * client is closed by `close()`, and throws when the server ended it.
 */
export interface Client<C extends Contract = Contract> extends AsyncIterable<ServerMessage<C> | Notice> {
  readonly state: ClientState
  /** The negotiated subprotocol of the current connection; `''` where there is none. */
  readonly protocol: string
  /** Bytes that the WebSocket has not yet given to the network. */
  readonly bufferedAmount: number
  /** How many messages wait for a connection. */
  readonly queued: number

  /** Calls the listener at each change of the state. Answers what ends that. */
  onState (listener: (change: StateChange) => void): () => void
  /** Calls the listener with each message of a type that is no reply to a `request`. Answers what ends that. */
  on<Type extends TypeOfMessage<C>> (type: Type, listener: (message: MessageOfType<C, Type>) => void): () => void

  /**
   * Sends a message, at once or when there is a connection. What was given to a connection that is then lost may never arrive: where that matters, `request`.
   *
   * @throws WsClientError WS_CLIENT_QUEUE_FULL, WS_CLIENT_CLOSED
   */
  send (message: ClientMessage<C>): void
  /**
   * Sends a message with an `id`, and resolves with what the server answers to it.
   *
   * @throws WsClientError the server's error message, with its `code` and `errors`; WS_CLIENT_TIMEOUT, WS_CLIENT_LOST, WS_CLIENT_CLOSED, WS_CLIENT_QUEUE_FULL; what
   * `signal` was aborted with
   */
  request<const Message extends Requests<C>> (message: Message & Undeclared<C, Message>, options?: RequestOptions): Promise<ReplyTo<C, Message>>

  /**
   * Joins a room, as soon as there is a connection, and joins it again over each later one, with the `eventId` of the last message that came: what was missed is
   * replayed in a room with history. Waits as long as that takes, also where the room is refused for a moment: FST_ERR_WS_ROOM_UNAVAILABLE, FST_ERR_WS_RATE_LIMIT.
   *
   * @param onJoined called with each answer, the first one too. Its `recovered` says whether nothing is missing since the last message: where it is not `true`, what
   * the application knows of the room is to be read anew
   * @returns settles with the first answer; that of a room that was joined already is the same
   * @throws WsClientError the server's error message, where it refuses the first time for another reason; WS_CLIENT_LEFT, WS_CLIENT_CLOSED. The room is not joined then
   */
  join (room: string, onJoined?: (reply: JoinReply<C>) => void): Promise<JoinReply<C>>
  /** Leaves a room, and forgets it, for all who joined it. */
  leave (room: string): void

  /** Tries at once, where it waits. */
  retry (): void
  /**
   * Ends it for good. What waits is dropped, and requests reject with WS_CLIENT_CLOSED.
   *
   * @param code 1000, the default, or 3000 to 4999; another one is left out
   */
  close (code?: number, reason?: string): void
}
