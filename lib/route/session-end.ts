import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'

export interface SessionEndOwner {
  /** How long a client may take to end its side once the last stream has closed, in milliseconds. */
  readonly endTimeout: number
}

/**
 * Sees to it that a session of HTTP/2 which is closing ends. Node ends its own side and waits for the client's: for ever, where a client keeps its side open, or
 * takes nothing of what is to be sent before; or where Node has stopped reading, as it does while it writes, and so never hears that the client has gone.
 */
export class SessionEnd {
  readonly #owner: SessionEndOwner
  readonly #session: ServerHttp2Session
  readonly #socket: Socket
  #streams = 0
  #timer: NodeJS.Timeout | null = null

  constructor (session: ServerHttp2Session, owner: SessionEndOwner) {
    this.#session = session
    this.#owner = owner
    // The `destroy` of what Node calls a session's socket throws. Its `once` answers the socket itself.
    this.#socket = session.socket.once('close', () => { if (this.#timer !== null) clearTimeout(this.#timer) }) as Socket
    session.on('stream', stream => this.#onStream(stream))
  }

  /** The session is closed, to end when it has no streams. */
  onClosing (): void {
    if (this.#streams === 0) this.#timer ??= setTimeout(() => this.#onTimeout(), this.#owner.endTimeout).unref()
  }

  #onStream (stream: ServerHttp2Stream): void {
    this.#streams++
    stream.on('close', this.#onStreamClose)
  }

  readonly #onStreamClose = (): void => {
    this.#streams--
    if (this.#session.closed || this.#session.destroyed) this.onClosing()
  }

  #onTimeout (): void {
    this.#timer = null
    // One that the client had opened before it heard of the end, and that is waited for as those before it.
    if (this.#streams === 0) this.#socket.destroy()
  }
}
