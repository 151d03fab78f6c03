import { once } from 'node:events'
import { WebSocket } from 'ws'
import type { Test } from 'tap'
import type { PresenceNotice, PresentMember } from '../../../types/index.ts'
import type { PresenceAsk, PresenceMessage, PresenceReply } from './presence-messages.ts'

/** A client that keeps a list of who is in a room, as a page would: `members()` when it has joined, then the notices. */
export class Watcher {
  readonly room: string
  readonly notices: Array<{ readonly notice: PresenceNotice, readonly bytes: number }> = []
  /** Settles with the code when the connection has ended. */
  readonly closed: Promise<number>
  /** By id. */
  readonly list = new Map<string, unknown>()
  readonly #socket: WebSocket
  readonly #asked = new Map<number, (reply: PresenceReply) => void>()
  #requests = 0
  #isListed = false

  private constructor (room: string, socket: WebSocket) {
    this.room = room
    this.#socket = socket
    this.closed = once(socket, 'close').then(([code]) => {
      for (const [id, answer] of this.#asked) answer({ id, type: 'error' })
      return code
    })
    socket.on('error', () => {})
    socket.on('message', (data: Buffer) => this.#onMessage(JSON.parse(String(data)), data.length))
  }

  static async open (t: Test, port: number, room: string, key = ''): Promise<Watcher> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate: false, headers: { key } })
    t.after(() => socket.terminate())
    const watcher = new Watcher(room, socket)
    await once(socket, 'open')
    return watcher
  }

  static async join (t: Test, port: number, room: string): Promise<Watcher> {
    const watcher = await Watcher.open(t, port, room)
    await watcher.ask('join')
    await watcher.#refresh()
    return watcher
  }

  /** The ids of the list, in order. */
  get ids (): string[] {
    return [...this.list.keys()].sort()
  }

  ask (ask: PresenceAsk['ask'], more: Partial<PresenceAsk> = {}): Promise<PresenceReply> {
    const id = ++this.#requests
    const request: PresenceAsk & { id: number } = { id, ask, room: this.room, ...more }
    return new Promise(resolve => {
      if (this.#socket.readyState !== WebSocket.OPEN) return resolve({ id, type: 'error' })
      this.#asked.set(id, resolve)
      this.#socket.send(JSON.stringify(request))
    })
  }

  /** Who is in the room in the process that it is connected to. */
  async local (): Promise<readonly string[]> {
    const reply = await this.ask('local')
    return reply.type === 'local' ? reply.ids : []
  }

  #onMessage (message: PresenceMessage, bytes: number): void {
    if (message.type === 'presence') {
      this.notices.push({ notice: message, bytes })
      if (!this.#isListed) return
      for (const { id } of message.left) this.list.delete(id)
      this.#add(message.joined)
      // Not all were listed.
      if (message.more !== undefined) void this.#refresh()
      return
    }
    if (message.type === 'members') {
      this.#isListed = true
      this.list.clear()
      this.#add(message.members)
    }
    this.#asked.get(message.id)?.(message)
    this.#asked.delete(message.id)
  }

  async #refresh (): Promise<void> {
    // It fails where a process has died and is not known to be dead.
    while (this.#socket.readyState === WebSocket.OPEN && (await this.ask('members')).type === 'error') ;
  }

  #add (members: readonly PresentMember[]): void {
    for (const { id, data } of members) this.list.set(id, data)
  }
}
