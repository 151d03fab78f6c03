import type { Socket } from 'node:net'

/** How long the line takes nothing, in milliseconds. */
const pause = 1_500

/**
 * Makes the server's side of a socket as it is where a client reads too slowly: what is written stays in this process, and leaves in one go now and then. A page can't
 * help reading, and the buffers of operating systems hide for many seconds that it does not.
 */
export class NarrowLine {
  readonly #socket: Socket
  #timer: NodeJS.Timeout | null = null

  constructor (socket: Socket) {
    this.#socket = socket
  }

  narrow (): void {
    if (this.#timer !== null) return
    this.#socket.cork()
    this.#timer = setInterval(() => {
      this.#socket.uncork()
      this.#socket.cork()
    }, pause)
  }

  widen (): void {
    if (this.#timer === null) return
    clearInterval(this.#timer)
    this.#timer = null
    this.#socket.uncork()
  }
}
