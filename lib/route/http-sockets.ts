import type { Socket } from 'node:net'
import { Server as TlsServer } from 'node:tls'
import type { RawServerBase } from 'fastify'
import { servesHttp1 } from './connect-listener.ts'
import type { HttpSocket } from './upgrade.ts'

/**
 * The TCP connections of a server that speak HTTP/1.1, or may come to: browsers open some in advance. Node ends those that are idle behind a reply when its
 * server is closed. For a client that has not asked for anything yet, or has begun to, it waits for ever: it no longer looks at its own timeouts then.
 */
export class HttpSockets {
  /** Below TLS: theirs is the time before the handshake is done. */
  readonly #carriers = new Set<Socket>()
  /** With what had been read of them when they came: a TLS handshake counts. */
  readonly #open = new Map<HttpSocket, number>()
  readonly #onCarrierClose = deletingFrom(this.#carriers)
  readonly #onClose = deletingFrom(this.#open)

  watch (server: RawServerBase): void {
    if (server instanceof TlsServer) {
      server.on('connection', socket => this.#keepCarrier(socket))
      server.on('secureConnection', socket => { if (socket.alpnProtocol !== 'h2') this.#keep(socket) })
    } else if (servesHttp1(server)) {
      server.on('connection', socket => this.#keep(socket))
    }
    // What is accepted is a connection, which the drain ends; what is not speaks HTTP again, as one that has just come.
    server.on('upgrade', (_request, socket) => this.#leave(socket as HttpSocket))
  }

  /**
   * The server ends: it accepts no more connections soon.
   *
   * @param timeout how long a client that has begun a request may take for the rest of its headers, in milliseconds
   */
  close (server: RawServerBase, timeout: number): void {
    this.#end(true)
    const timer = setInterval(() => {
      this.#end(false)
      if (!server.listening && this.#carriers.size + this.#open.size === 0) clearInterval(timer)
    }, timeout).unref()
  }

  /** @param onlySilent whether those that have begun a request are left alone */
  #end (onlySilent: boolean): void {
    for (const socket of this.#carriers) if (socket.bytesRead === 0) socket.destroy()
    for (const [socket, bytesRead] of this.#open) {
      // `_httpMessage` is the response whose turn it is.
      if (socket._httpMessage == null && (!onlySilent || socket.bytesRead === bytesRead)) socket.destroy()
    }
  }

  #keepCarrier (socket: Socket): void {
    this.#carriers.add(socket)
    socket.on('close', this.#onCarrierClose)
  }

  #keep (socket: Socket): void {
    this.#open.set(socket as HttpSocket, socket.bytesRead)
    socket.on('close', this.#onClose)
  }

  /** A connection lasts: it should not remember that it was one of these. */
  #leave (socket: HttpSocket): void {
    this.#open.delete(socket)
    socket.off('close', this.#onClose)
  }
}

/** One listener for all of them. */
function deletingFrom (sockets: Set<Socket> | Map<HttpSocket, number>): (this: HttpSocket) => void {
  return function () { sockets.delete(this) }
}
