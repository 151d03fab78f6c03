import type { Payload } from './codec.ts'

/** Options of `app.injectWS`. */
export interface InjectOptions {
  /** Headers of the upgrade request, beside those of the handshake. Over HTTP/2 a `host` is sent as `:authority`. Default of both: `'localhost'`. */
  headers?: Record<string, string | readonly string[]>
  /** Added to the URL. */
  query?: Record<string, string> | string
  /** Subprotocols to offer. */
  protocols?: readonly string[]
  /** Cuts all bytes, of both directions, into chunks of at most this size: 1 tests the parser hardest. */
  chunkSize?: number
  /** `request.ip` of the upgrade request. Default: `'127.0.0.1'`. */
  remoteAddress?: string
}

/** A client without the network, for tests. Over HTTP/2, each has a session of its own. */
export interface InjectedConnection {
  /** The negotiated subprotocol, `''` when there is none. */
  readonly protocol: string
  /** The headers of the 101; over HTTP/2 those of the 200, without the pseudo-headers. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Sends a message: a string or a Buffer as it is, everything else as JSON. */
  send (message: unknown): void
  /** Sends a ping; settles with the payload of the pong, or rejects with FST_ERR_WS_CLOSED when the server closes before. */
  ping (payload?: Payload): Promise<Buffer>
  /**
   * The next message: parsed when it is JSON, else a string; a Buffer when it is binary.
   * Rejects with FST_ERR_WS_CLOSED when the server closes before one arrives.
   */
  receive<Message = unknown> (): Promise<Message>
  /**
   * Waits until the server has closed; messages that came before can still be received.
   *
   * @throws FST_ERR_WS_INJECT_CLOSE when the code differs
   */
  expectClose (code: number): Promise<{ code: number, reason: string }>
  /** Closes with the closing handshake; settles when the server has closed. */
  close (code?: number, reason?: string): Promise<void>
  /** Drops the connection; over HTTP/2 its stream (RST_STREAM). */
  terminate (): void
  /** Writes bytes as they are, for tests of the protocol. */
  write (bytes: Buffer): void
}
