import type { FastifyBaseLogger } from 'fastify'
import type { AdapterState } from '../../../types/adapter.ts'
import type { Member, MembersOptions } from '../../../types/rooms.ts'
import type { ServerConnection } from '../../connection/connection.ts'
import { FST_ERR_WS_OPTION } from '../../errors.ts'
import type { ResolvedNodes } from '../../options.ts'
import type { ResolvedPresence } from '../../room-options.ts'
import { everyNode, nodeChannel, roomChannel, roomOf } from '../channels.ts'
import { decodeControl, encodeControl } from './control-messages.ts'
import type { Ask, ControlMessage } from './control-messages.ts'
import { byId, inRange, memberOf, pagesOf, resolveRange } from './entry.ts'
import type { Entry, MembersRange } from './entry.ts'
import { Nodes } from './nodes.ts'
import { Presence } from './presence.ts'
import { Questions } from './questions.ts'

/** What the cluster needs of the registry. */
export interface ClusterPort {
  /** The id of this process. */
  readonly node: string
  readonly log: FastifyBaseLogger
  /** Whether nothing ever leaves this process: there are no others to be told or asked. */
  readonly isAlone: boolean
  /** Those of this process. */
  membersOf (room: string): ReadonlySet<ServerConnection>
  /** Connections of this process with this key. */
  connectionsOf (key: string): Iterable<ServerConnection>
  /** Says something to the other processes that have subscribed to the channel. Rejects when the adapter does not take it. */
  tell (channel: string, body: object): Promise<void>
  /** Sends a message of this package's own to the members of this process. */
  tellMembers (room: string, message: object): void
  subscribe (channel: string): Promise<void>
  unsubscribe (channel: string): Promise<void>
}

/** How long the others may take, in milliseconds. */
export interface ClusterOptions extends ResolvedNodes {
  /** To answer a question. */
  readonly answerTimeout: number
}

/** Ids that stand in names of channels. */
const nodePattern = /^[\w-]{1,64}$/

/** The processes that share rooms: which of them are alive, who is in their rooms, and what is asked of all of them. */
export class Cluster {
  readonly #port: ClusterPort
  readonly #nodes: Nodes
  readonly #questions: Questions
  readonly #presence: Presence

  constructor (port: ClusterPort, { answerTimeout, ...nodes }: ClusterOptions) {
    this.#port = port
    this.#nodes = new Nodes({
      log: port.log,
      tell: (message, to) => this.#say(message, to),
      onAppeared: (node, isNew) => this.#presence.onAppeared(node, isNew),
      onGone: node => {
        this.#presence.onGone(node)
        this.#questions.onGone(node)
      },
      onTick: now => this.#presence.onTick(now)
    }, nodes)
    const others = () => this.#nodes.others
    this.#questions = new Questions({
      get others () { return others() },
      tell: message => this.#say(message, null)
    }, answerTimeout)
    this.#presence = new Presence({
      node: port.node,
      log: port.log,
      isAlone: port.isAlone,
      get others () { return others() },
      membersOf: room => port.membersOf(room),
      listenTo: room => port.subscribe(roomChannel(room)),
      tellMembers: (room, notice) => port.tellMembers(room, notice),
      tellRoom: (room, message) => { port.tell(roomChannel(room), encodeControl(message)).catch(ignore) },
      tell: (message, to) => { this.#say(message, to).catch(ignore) }
    }, nodes.interval)
  }

  /** The ids of the processes that are alive, this one first. */
  get nodes (): readonly string[] {
    return [this.#port.node, ...this.#nodes.others]
  }

  async start (): Promise<void> {
    if (this.#port.isAlone) return
    await Promise.all([this.#port.subscribe(everyNode), this.#port.subscribe(nodeChannel(this.#port.node))])
    this.#nodes.start()
  }

  async stop (): Promise<void> {
    this.#presence.stop()
    this.#questions.stop()
    await this.#nodes.stop()
  }

  /** Another process said something. `payload` is JSON text, and no more than that is known of it. */
  onControl (channel: string, node: string, payload: string): void {
    if (node === this.#port.node || !nodePattern.test(node)) return
    const message = decodeControl(payload)
    if (message === null) return
    if (message.say === 'bye') {
      this.#nodes.onBye(node)
      return
    }
    if (this.#nodes.onWord(node, message.say === 'hello')) this.#onMessage(channel, node, message)
  }

  onState (state: AdapterState): void {
    this.#nodes.onState(state)
    this.#presence.onState(state)
  }

  /** A connection of this process is in a room that is declared with presence; called again when it joins a room that it is in. */
  onJoined (connection: ServerConnection, room: string, presence: ResolvedPresence): void {
    this.#presence.join(connection, room, presence)
  }

  /** A connection of this process has left. */
  onLeft (connection: ServerConnection, room: string): void {
    this.#presence.leave(connection, room)
  }

  /** @throws FST_ERR_WS_ROOM_UNAVAILABLE */
  async count (room: string): Promise<number> {
    const known = this.#presence.count(room)
    if (known !== null) return known
    const answers = await this.#questions.askOnce({ of: 'count', room })
    return sum(this.#port.membersOf(room).size, answers)
  }

  /** @throws FST_ERR_WS_ROOM_UNAVAILABLE, FST_ERR_WS_OPTION */
  async members (room: string, options: MembersOptions): Promise<Member[]> {
    const range = resolveRange(options)
    const known = this.#presence.members(room, range)
    if (known !== null) return known
    const answers = await this.#questions.askOnce({ of: 'members', room, ...range })
    const listed = [{ node: this.#port.node, members: this.#entriesOf(room, range) }, ...answers]
      .flatMap(({ node, members }) => members.map(entry => ({ id: entry.id, entry, node })))
      .sort(byId)
    return inRange(listed, range).map(({ entry, node }) => memberOf(entry, node))
  }

  /** @throws FST_ERR_WS_ROOM_UNAVAILABLE, FST_ERR_WS_OPTION */
  join (room: string, key: string): Promise<number> {
    return this.#move('join', room, key)
  }

  /** @throws FST_ERR_WS_ROOM_UNAVAILABLE, FST_ERR_WS_OPTION */
  leave (room: string, key: string): Promise<number> {
    return this.#move('leave', room, key)
  }

  async #move (of: 'join' | 'leave', room: string, key: string): Promise<number> {
    if (typeof key !== 'string' || key === '') throw new FST_ERR_WS_OPTION('key', 'must be the key of connections: a string that is not empty')
    const [here, answers] = await Promise.all([this.#moveHere(of, room, key), this.#questions.ask({ of, room, key })])
    return sum(here, answers)
  }

  /** Every process moves its own. */
  async #moveHere (of: 'join' | 'leave', room: string, key: string): Promise<number> {
    const moved = await Promise.allSettled([...this.#port.connectionsOf(key)].map(async connection => {
      const wasIn = this.#port.membersOf(room).has(connection)
      await connection[of](room)
      return of === 'join' ? this.#port.membersOf(room).has(connection) : wasIn
    }))
    return moved.filter(result => result.status === 'fulfilled' && result.value).length
  }

  #entriesOf (room: string, range: MembersRange): Entry[] {
    return inRange(this.#presence.entriesOf(room), range)
  }

  #onMessage (channel: string, node: string, message: ControlMessage): void {
    switch (message.say) {
      case 'changes': {
        const room = roomOf(channel)
        if (room !== null) this.#presence.onChanges(node, room, message)
        return
      }
      case 'sync':
        this.#presence.onSync(node, message)
        return
      case 'roll':
        this.#presence.onRoll(node, message)
        return
      case 'digests':
        this.#presence.onDigests(node, message)
        return
      case 'ask':
        void this.#answer(node, message)
        return
      case 'answer':
        this.#questions.onAnswer(node, message)
    }
  }

  async #answer (node: string, ask: Ask): Promise<void> {
    const { id, of, room } = ask
    let count: number
    let members: readonly Entry[] = []
    if (of === 'count' || of === 'members') {
      count = this.#port.membersOf(room).size
      if (of === 'members') members = this.#entriesOf(room, ask)
    } else {
      count = await this.#moveHere(of, room, ask.key)
    }
    const pages = pagesOf(members)
    for (const [page, members] of pages.entries()) {
      this.#say({ say: 'answer', id, count, page, pages: pages.length, members }, node).catch(ignore)
    }
  }

  #say (message: ControlMessage, to: string | null): Promise<void> {
    return this.#port.tell(to === null ? everyNode : nodeChannel(to), encodeControl(message))
  }
}

function sum (here: number, answers: ReadonlyArray<{ readonly count: number }>): number {
  return answers.reduce((total, { count }) => total + count, here)
}

/** What is lost is said again, or asked for again. */
function ignore (): void {}
