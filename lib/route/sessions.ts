import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import type { ServerConnection } from '../connection/connection.ts'
import { closeCode } from '../protocol/close.ts'

const reason = 'session is closing'

/**
 * The sessions of HTTP/2 that have carried connections. One that is closed gracefully, because of a GOAWAY of the client, because it was idle or
 * because the application says so, takes no new streams and waits for those it has: its connections are closed, each once its handlers have replied.
 */
export class Sessions {
  readonly #carried = new Map<ServerHttp2Session, Set<ServerConnection>>()

  add (stream: ServerHttp2Stream, connection: ServerConnection): void {
    const session = stream.session as ServerHttp2Session
    const carried = this.#carried.get(session) ?? this.#watch(session)
    carried.add(connection)
    stream.on('close', () => carried.delete(connection))
    // Its end may have begun while the upgrade was asked of the application.
    if (session.closed) connection.retire(closeCode.goingAway, reason)
  }

  /** The server ends: they take no new streams. */
  close (): void {
    for (const session of this.#carried.keys()) session.close()
  }

  /** Node tells nobody that a session is being closed, but closes it by its own method, whatever the cause. */
  #watch (session: ServerHttp2Session): Set<ServerConnection> {
    const carried = new Set<ServerConnection>()
    const { close } = session
    session.close = function (callback) {
      const isFirst = !this.closed
      Reflect.apply(close, this, [callback])
      if (isFirst) for (const connection of carried) connection.retire(closeCode.goingAway, reason)
    }
    this.#carried.set(session, carried)
    session.once('close', () => this.#carried.delete(session))
    return carried
  }
}
