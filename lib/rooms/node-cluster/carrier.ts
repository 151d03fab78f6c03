import type { Envelope, HistoryPage, HistorySettings, MessageEnvelope, Position } from '../../../types/adapter.ts'
import type { IpcProcess, RoomCarrier } from '../../../types/cluster.ts'
import { FST_ERR_WS_ENVELOPE } from '../../errors.ts'
import { MemoryHistory } from '../memory-history.ts'
import { Peer } from './peer.ts'
import { portTo } from './port.ts'
import type { Port } from './port.ts'
import { read, readRequest, weightOf, write, writeEnvelope, writeEvent, writePage } from './wire.ts'
import type { Hello, Items, Message, Report } from './wire.ts'

/** How much may be on its way to one node, in bytes: one that reads less than it is sent is let go, and begins anew. */
const defaultLimit = 32 * 1024 * 1024
/** The most nodes of one process. */
const mostNodes = 256
/** How much of a history one message carries, in bytes. */
const pageWeight = 1024 * 1024

/** A process, and its nodes by session. */
interface Child {
  readonly port: Port
  readonly peers: Map<string, Peer>
}

/** The primary's end: knows who has subscribed to what, hands on, and keeps the histories. */
export class Carrier implements RoomCarrier {
  refused = 0
  readonly #limit: number
  readonly #children = new Map<IpcProcess, Child>()
  readonly #channels = new Map<string, Set<Peer>>()
  readonly #history = new MemoryHistory()
  readonly #onStop: () => void

  constructor (onStop: () => void = () => {}, limit = defaultLimit) {
    this.#onStop = onStop
    this.#limit = limit
  }

  get nodes (): readonly string[] {
    return [...this.#children.values()].flatMap(({ peers }) => [...peers.values()].map(({ node }) => node))
  }

  /** How many channels somebody has subscribed to. */
  get channels (): number {
    return this.#channels.size
  }

  add (process: IpcProcess): void {
    if (!this.#children.has(process)) this.addPort(process, portTo(process))
  }

  /** @param process what tells it from others */
  addPort (process: IpcProcess, port: Port): void {
    const child: Child = { port, peers: new Map() }
    this.#children.set(process, child)
    port.open(message => this.#onMessage(child, message), () => this.#remove(process, child))
  }

  stop (): void {
    this.#onStop()
    for (const [process, child] of this.#children) {
      for (const { session } of child.peers.values()) this.#send(child, { kind: 'lost', session, reason: 'it carries no rooms any more' })
      this.#remove(process, child)
    }
  }

  #remove (process: IpcProcess, child: Child): void {
    child.port.close()
    for (const peer of child.peers.values()) this.#forget(child, peer)
    this.#children.delete(process)
  }

  #forget (child: Child, peer: Peer): void {
    peer.close()
    child.peers.delete(peer.session)
    for (const channel of peer.channels) this.#unsubscribe(peer, channel)
  }

  /** What is on its way comes before this. */
  #dismiss (child: Child, peer: Peer, reason: string): void {
    this.#forget(child, peer)
    this.#send(child, { kind: 'lost', session: peer.session, reason })
  }

  #send (child: Child, message: Message): void {
    child.port.send(write(message), ignore)
  }

  /* What a process says. */

  #onMessage (child: Child, value: unknown): void {
    let message: Message | null
    try {
      message = read(value)
    } catch {
      this.refused++
      return
    }
    if (message === null) return
    if (message.kind === 'hello') this.#onHello(child, message)
    else if (message.kind === 'items') this.#onItems(child, message)
    else this.refused++
  }

  #onHello (child: Child, { session, node }: Hello): void {
    const refuse = (reason: string): void => this.#send(child, { kind: 'lost', session, reason })
    for (const other of this.#children.values()) {
      for (const peer of other.peers.values()) {
        if (peer.node !== node) continue
        if (other !== child) return refuse(`another process is '${node}' already`)
        // It has asked again, or begins anew.
        if (peer.session !== session) this.#forget(child, peer)
      }
    }
    if (!child.peers.has(session)) {
      if (child.peers.size >= mostNodes) return refuse(`a process has at most ${mostNodes} nodes`)
      child.peers.set(session, new Peer(child.port, session, node, this.#limit))
    }
    this.#send(child, { kind: 'welcome', session })
  }

  #onItems (child: Child, message: Items): void {
    const peer = child.peers.get(message.session)
    if (peer === undefined) {
      this.#send(child, { kind: 'lost', session: message.session, reason: 'it is not known here' })
      return
    }
    if (!peer.receive(message)) {
      this.#dismiss(child, peer, 'what it sent has not come whole')
      return
    }
    const before = message.sent - message.items.length
    for (const [index, item] of message.items.entries()) {
      // Told too much, it was let go.
      if (child.peers.get(peer.session) !== peer) return
      this.#onItem(child, peer, before + index + 1, item)
    }
  }

  #onItem (child: Child, peer: Peer, id: number, item: unknown): void {
    try {
      this.#obey(child, peer, id, item)
    } catch (error) {
      this.refused++
      this.#refuse(child, peer, id, (error as Error).message.slice(0, 1_000))
    }
  }

  #refuse (child: Child, peer: Peer, id: number, reason: string): void {
    this.#tell(child, peer, ['refused', id, reason], weightOf(''))
  }

  #obey (child: Child, peer: Peer, id: number, item: unknown): void {
    const request = readRequest(item)
    switch (request[0]) {
      case 'ping':
        return
      case 'bye':
        peer.dismiss()
        return this.#forget(child, peer)
      case 'subscribe':
        return this.#subscribe(peer, request[1])
      case 'unsubscribe':
        peer.channels.delete(request[1])
        return this.#unsubscribe(peer, request[1])
      case 'publish':
        checkNode(peer, request[2])
        return this.#publish(peer, request[1], request[2])
      case 'append':
        for (const envelope of request[2]) checkNode(peer, envelope)
        return this.#append(request[1], request[2], request[3])
      case 'read':
        return this.#read(child, peer, id, request[1], request[2], request[3])
    }
  }

  /* What becomes of it. */

  #subscribe (peer: Peer, channel: string): void {
    peer.channels.add(channel)
    let peers = this.#channels.get(channel)
    if (peers === undefined) this.#channels.set(channel, peers = new Set())
    peers.add(peer)
  }

  #unsubscribe (peer: Peer, channel: string): void {
    const peers = this.#channels.get(channel)
    if (peers === undefined) return
    peers.delete(peer)
    if (peers.size === 0) this.#channels.delete(channel)
  }

  #publish (from: Peer, channel: string, envelope: Envelope): void {
    this.#tellAll(channel, ['envelope', channel, writeEnvelope(envelope)], weightOf(channel, [envelope]), from)
  }

  #append (channel: string, envelopes: readonly MessageEnvelope[], settings: HistorySettings): void {
    for (const envelope of envelopes) {
      const event = this.#history.append(channel, envelope, settings)
      if (event !== null) this.#tellAll(channel, ['event', channel, writeEvent(event)], weightOf(channel, [envelope]), null)
    }
  }

  #read (child: Child, peer: Peer, id: number, channel: string, after: Position | null, settings: HistorySettings): void {
    const page = firstOf(this.#history.read(channel, after, settings))
    const weight = weightOf('', page.events.map(({ envelope }) => envelope))
    if (peer.hasPlenty(weight)) this.#tell(child, peer, ['page', id, writePage(page)], weight)
    else this.#refuse(child, peer, id, 'much is on its way to it already: it has to ask again')
  }

  #tellAll (channel: string, report: Report, weight: number, except: Peer | null): void {
    for (const peer of this.#channels.get(channel) ?? nobody) {
      if (peer !== except && !peer.tell(report, weight)) this.#letGo(peer)
    }
  }

  #tell (child: Child, peer: Peer, report: Report, weight: number): void {
    if (!peer.tell(report, weight)) this.#dismissSlow(child, peer)
  }

  #letGo (peer: Peer): void {
    for (const child of this.#children.values()) {
      if (child.peers.get(peer.session) === peer) this.#dismissSlow(child, peer)
    }
  }

  #dismissSlow (child: Child, peer: Peer): void {
    this.#dismiss(child, peer, `more than ${this.#limit} bytes were on their way to it`)
  }
}

const nobody: readonly Peer[] = Object.freeze([])

/** As much of a page as one message carries, at least one event. */
function firstOf (page: HistoryPage): HistoryPage {
  let weight = 0
  const end = page.events.findIndex(({ envelope }, index) => {
    weight += weightOf('', [envelope])
    return index > 0 && weight > pageWeight
  })
  return end === -1 ? page : { ...page, events: page.events.slice(0, end) }
}

/** @throws FST_ERR_WS_ENVELOPE */
function checkNode ({ node }: Peer, envelope: Envelope): void {
  if (envelope.node !== node) throw new FST_ERR_WS_ENVELOPE(`it says to be of another node than '${node}'`)
}

function ignore (): void {}
