import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import type { Test } from 'tap'

/** Stands between servers and their broker: hands everything on, until it is told to be slow, or to keep it to itself. */
export class BrokerProxy {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #delay = 0
  #bytesPerTurn = Infinity
  #isSilent = false

  private constructor (server: Server) {
    this.#server = server
  }

  static async start (t: Test, brokerPort: number, host = '127.0.0.1'): Promise<BrokerProxy> {
    const server = createServer({ allowHalfOpen: true })
    const proxy = new BrokerProxy(server)
    server.on('connection', socket => proxy.#join(socket, connect({ port: brokerPort, host: '127.0.0.1', allowHalfOpen: true })))
    server.listen(0, host)
    await once(server, 'listening')
    t.after(() => {
      for (const socket of proxy.#sockets) socket.destroy()
      server.close()
    })
    return proxy
  }

  get port (): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Everything takes so many milliseconds more; so many bytes at most go every 10 ms, each way. */
  slow (delay: number, bytesPerTurn = Infinity): void {
    this.#delay = delay
    this.#bytesPerTurn = bytesPerTurn
  }

  /** Connections stay open, and nothing comes through: as where a network drops packets. What was dropped is repeated once it is whole. */
  silence (): void {
    this.#isSilent = true
  }

  /** What was kept back comes through. */
  heal (): void {
    this.#isSilent = false
  }

  #join (one: Socket, other: Socket): void {
    this.#carry(one, other)
    this.#carry(other, one)
  }

  #carry (from: Socket, to: Socket): void {
    this.#sockets.add(from)
    const waiting: Array<{ chunk: Buffer | null, due: number }> = []
    from.on('data', chunk => { waiting.push({ chunk, due: performance.now() + this.#delay }) })
    from.on('end', () => { waiting.push({ chunk: null, due: performance.now() + this.#delay }) })
    from.on('error', () => {})
    const timer = setInterval(() => this.#handOn(waiting, to), 10)
    from.on('close', () => {
      this.#sockets.delete(from)
      clearInterval(timer)
      // What is silent does not tell of ends either; they are gone all the same once it is whole.
      if (!this.#isSilent) to.destroySoon()
    })
  }

  #handOn (waiting: Array<{ chunk: Buffer | null, due: number }>, to: Socket): void {
    let left = this.#bytesPerTurn
    while (!this.#isSilent && left > 0 && waiting.length > 0 && waiting[0].due <= performance.now()) {
      const { chunk, due } = waiting[0]
      waiting.shift()
      if (chunk === null) {
        to.end()
        continue
      }
      if (chunk.length > left) waiting.unshift({ chunk: chunk.subarray(left), due })
      to.write(chunk.subarray(0, left))
      left -= chunk.length
    }
  }
}
