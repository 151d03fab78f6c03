import type { Socket } from 'node:net'
import { Type } from '@sinclair/typebox'
import type { Static } from '@sinclair/typebox'

export const transports = ['polling', 'long-polling', 'websocket'] as const
export type Transport = typeof transports[number]

/** What a transport cost one page so far, as the server saw it: HTTP and WebSocket bytes, headers included. */
const CostSchema = Type.Object({ requests: Type.Integer(), received: Type.Integer(), sent: Type.Integer() })
export const CostsSchema = Type.Object({ polling: CostSchema, 'long-polling': CostSchema, websocket: CostSchema })

type Cost = Static<typeof CostSchema>
type Costs = Static<typeof CostsSchema>

/** How many pages are remembered. */
const pagesAtMost = 1000

/** Reads the costs off the sockets' own counters, and so counts what really crossed them. */
export class Figures {
  readonly #pages = new Map<string, Costs>()
  /** What of a socket's bytes has been counted already. */
  readonly #counted = new WeakMap<Socket, { read: number, written: number }>()
  /** WebSockets of a page, whose bytes keep flowing. */
  readonly #open = new Map<Socket, string>()

  /** A request of a page was answered. `transport` is null for those that belong to none. */
  onRequest (socket: Socket, page: string, transport: Transport | null): void {
    if (this.#open.has(socket)) return
    const { read, written } = this.#sinceLast(socket)
    if (transport === null) return
    const cost = this.#costsOf(page)[transport]
    cost.requests++
    cost.received += read
    cost.sent += written
  }

  /** A WebSocket was opened: one request, the upgrade, and all that follows on its socket. */
  onOpen (socket: Socket, page: string): void {
    this.onRequest(socket, page, 'websocket')
    this.#open.set(socket, page)
  }

  onClose (socket: Socket): void {
    this.#count(socket)
    this.#open.delete(socket)
  }

  of (page: string): Costs {
    for (const [socket, itsPage] of this.#open) {
      if (itsPage === page) this.#count(socket)
    }
    return this.#costsOf(page)
  }

  #count (socket: Socket): void {
    const page = this.#open.get(socket)
    if (page === undefined) return
    const { read, written } = this.#sinceLast(socket)
    const cost = this.#costsOf(page).websocket
    cost.received += read
    cost.sent += written
  }

  #sinceLast (socket: Socket): { read: number, written: number } {
    const last = this.#counted.get(socket) ?? { read: 0, written: 0 }
    const now = { read: socket.bytesRead, written: socket.bytesWritten }
    this.#counted.set(socket, now)
    return { read: now.read - last.read, written: now.written - last.written }
  }

  #costsOf (page: string): Costs {
    let costs = this.#pages.get(page)
    if (costs === undefined) {
      costs = { polling: nothing(), 'long-polling': nothing(), websocket: nothing() }
      this.#pages.set(page, costs)
      if (this.#pages.size > pagesAtMost) {
        const [oldest] = this.#pages.keys()
        this.#pages.delete(oldest)
      }
    }
    return costs
  }
}

function nothing (): Cost {
  return { requests: 0, received: 0, sent: 0 }
}
