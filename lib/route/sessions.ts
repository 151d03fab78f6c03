import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import type { ServerConnection } from '../connection/connection.ts'
import { closeCode } from '../protocol/close.ts'
import { SessionEnd } from './session-end.ts'
import type { SessionEndOwner } from './session-end.ts'
import { SessionState } from './session-state.ts'

const reason = 'session is closing'

interface WatchedSession {
  readonly state: SessionState
  readonly end: SessionEnd
}

/**
 * The sessions of HTTP/2 of a server, those without connections, too: all are to end with it. One that is closed gracefully, because of a GOAWAY of the
 * client, because it was idle or because the application says so, takes no new streams and waits for those it has: its connections are closed, each once its
 * handlers have replied.
 */
export class Sessions implements SessionEndOwner {
  endTimeout: number
  readonly #watched = new Map<ServerHttp2Session, WatchedSession>()
  #isClosing = false

  /** @param endTimeout how long clients may take to end the sessions of which nothing is left, in milliseconds */
  constructor (endTimeout: number) {
    this.endTimeout = endTimeout
  }

  /** Called when it begins, and whenever its state is asked for. */
  watch (session: ServerHttp2Session): SessionState {
    const watched = this.#watched.get(session)
    if (watched !== undefined) return watched.state
    const state = new SessionState()
    const end = new SessionEnd(session, this)
    const { close } = session
    // Node tells nobody that a session is being closed, but closes it by its own method, whatever the cause.
    session.close = function (callback) {
      const isFirst = !this.closed
      Reflect.apply(close, this, [callback])
      if (!isFirst) return
      end.onClosing()
      for (const connection of state.connections) connection.retire(closeCode.goingAway, reason)
    }
    this.#watched.set(session, { state, end })
    session.once('close', () => this.#watched.delete(session))
    // Its TCP connection was accepted before the server ended.
    if (this.#isClosing) session.close()
    return state
  }

  /** What one of them carries from here on, whose end may have begun while the handshake was asked of the application. */
  add (stream: ServerHttp2Stream, connection: ServerConnection): void {
    const session = stream.session as ServerHttp2Session | undefined
    // It is gone already.
    if (session === undefined) return
    const { connections } = this.watch(session)
    connections.add(connection)
    stream.on('close', () => connections.delete(connection))
    if (session.closed) connection.retire(closeCode.goingAway, reason)
  }

  /**
   * The server ends: they take no new streams.
   *
   * @param endTimeout from here on
   */
  close (endTimeout: number): void {
    this.endTimeout = endTimeout
    this.#isClosing = true
    for (const [session, { end }] of this.#watched) {
      session.close()
      // Of those that were destroyed, nothing else has told.
      end.onClosing()
    }
  }
}
