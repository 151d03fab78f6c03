import type { Socket } from 'node:net'
import { promisify } from 'node:util'
import type { FastifyInstance } from 'fastify'

/** The sockets that a server holds: file descriptors that must not leak. */
export class ServerSockets {
  readonly #app: FastifyInstance
  readonly #open = new Set<Socket>()
  #wake: () => void = () => {}

  constructor (app: FastifyInstance) {
    this.#app = app
    app.server.on('connection', (socket: Socket) => {
      // A socket that another protocol was asked for on is handed to the server again.
      if (this.#open.has(socket)) return
      this.#open.add(socket)
      socket.once('close', () => {
        this.#open.delete(socket)
        this.#wake()
      })
      this.#wake()
    })
  }

  /** The open ones, oldest first. */
  get all (): Socket[] {
    return [...this.#open]
  }

  /** Settles when `count` sockets are open, as the server counts too. */
  async open (count: number): Promise<void> {
    while (this.#open.size !== count || await this.#counted() !== count) {
      await new Promise<void>(resolve => {
        this.#wake = resolve
        // The server counts down after the event.
        if (this.#open.size === count) setImmediate(resolve)
      })
    }
  }

  #counted (): Promise<number> {
    return promisify(this.#app.server.getConnections.bind(this.#app.server))()
  }
}
