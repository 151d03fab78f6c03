import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import type { ServerConnection } from '../connection/connection.ts'
import { closeCode } from '../protocol/close.ts'
import { SessionState } from './session-state.ts'

const reason = 'session is closing'

/**
 * The sessions of HTTP/2 that have asked for connections. One that is closed gracefully, because of a GOAWAY of the client, because it was idle or
 * because the application says so, takes no new streams and waits for those it has: its connections are closed, each once its handlers have replied.
 */
export class Sessions {
  readonly #states = new Map<ServerHttp2Session, SessionState>()

  /** Called at each opening handshake, since a session whose handshakes were all refused is to end with the server, too. */
  of (session: ServerHttp2Session): SessionState {
    return this.#states.get(session) ?? this.#watch(session)
  }

  /** What one of them carries from here on, whose end may have begun while the handshake was asked of the application. */
  add (stream: ServerHttp2Stream, connection: ServerConnection): void {
    const session = stream.session as ServerHttp2Session | undefined
    // It is gone already.
    if (session === undefined) return
    const { connections } = this.of(session)
    connections.add(connection)
    stream.on('close', () => connections.delete(connection))
    if (session.closed) connection.retire(closeCode.goingAway, reason)
  }

  /** The server ends: they take no new streams. */
  close (): void {
    for (const session of this.#states.keys()) session.close()
  }

  /** Node tells nobody that a session is being closed, but closes it by its own method, whatever the cause. */
  #watch (session: ServerHttp2Session): SessionState {
    const state = new SessionState()
    const { close } = session
    session.close = function (callback) {
      const isFirst = !this.closed
      Reflect.apply(close, this, [callback])
      if (isFirst) for (const connection of state.connections) connection.retire(closeCode.goingAway, reason)
    }
    this.#states.set(session, state)
    session.once('close', () => this.#states.delete(session))
    return state
  }
}
