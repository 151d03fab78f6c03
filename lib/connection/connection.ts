import type { FastifyBaseLogger } from 'fastify'
import type { Payload } from '../../types/codec.ts'
import type { Connection, ReadyState, Traffic } from '../../types/connection.ts'
import type { JoinOptions, JoinResult, RoomSender } from '../../types/rooms.ts'
import { FST_ERR_WS_CLOSED, FST_ERR_WS_EXPIRES_AT, FST_ERR_WS_ROOM_LIMIT } from '../errors.ts'
import type { Broadcast } from '../messages/broadcast.ts'
import type { MessageCodec } from '../messages/codec.ts'
import type { MessageId, SendContract } from '../messages/send-contract.ts'
import { closeCode } from '../protocol/close.ts'
import type { Compression } from './compression.ts'
import { tellClosed } from './incidents.ts'
import { Life } from './life.ts'
import type { LifeOwner } from './life.ts'
import { Link } from './link.ts'
import { Pings } from './pings.ts'
import type { RouteContext } from './route-context.ts'
import { refuseForRate, runMessage } from './run-message.ts'
import type { SlowConsumer } from './slow-consumer.ts'
import type { Transport } from './transport.ts'

/** What is known of one connection when it begins. */
export interface ConnectionIdentity {
  readonly id: string
  readonly log: FastifyBaseLogger
  readonly protocol: string
  readonly codec: MessageCodec
  /** What was agreed on; null for none. */
  readonly compression: Compression | null
  /** Whose it is. */
  readonly key: string | undefined
  /** Until when its credentials are good, in milliseconds since 1970; null for ever. */
  readonly expiresAt: number | null
  /** Whether its end has a line in the log. */
  readonly isLogged: boolean
}

/** One for all that are still open: an array of its own would cost each 32 bytes. */
const nowhere: readonly string[] = Object.freeze([])

/** The server's end of a WebSocket, as the application sees it. What it is made of is in Link. */
export class ServerConnection extends Link implements Connection, LifeOwner {
  readonly id: string
  readonly protocol: string
  readonly codec: MessageCodec
  readonly key: string | undefined
  data: unknown = undefined

  readonly #isLogged: boolean
  #isOpened = false
  /** null while its life has no bounds */
  #life: Life | null = null
  /** Those that it was in at the end. */
  #rooms = nowhere
  #abort: AbortController | null = null
  #pings: Pings | null = null

  constructor (transport: Transport, route: RouteContext, identity: ConnectionIdentity) {
    super(transport, route, identity.log, identity.codec, identity.compression, identity.key)
    this.id = identity.id
    this.protocol = identity.protocol
    this.codec = identity.codec
    this.key = identity.key
    this.#isLogged = identity.isLogged
    if (route.idleTimeout !== null || route.maxLifetime !== null) this.#life = new Life(this, route.agenda, route)
    if (identity.expiresAt !== null) this.renew(identity.expiresAt)
  }

  get readyState (): ReadyState {
    if (this.end.isClosed) return 3
    if (this.end.hasBegun) return 2
    return this.#isOpened ? 1 : 0
  }

  get isOpened (): boolean {
    return this.#isOpened
  }

  get sends (): SendContract {
    return this.outbox.sends
  }

  get bufferedAmount (): number {
    return this.outbox.bufferedAmount
  }

  get writable (): boolean {
    return this.outbox.writable
  }

  get expiresAt (): Date | null {
    return this.#life === null ? null : this.#life.expiresAt
  }

  get traffic (): Traffic {
    return {
      received: { messages: this.receivedMessages, bytes: this.receivedBytes },
      sent: { messages: this.outbox.messages, bytes: this.outbox.bytes }
    }
  }

  get signal (): AbortSignal {
    if (this.#abort === null) {
      this.#abort = new AbortController()
      if (this.end.isClosed) this.#abort.abort(new FST_ERR_WS_CLOSED())
    }
    return this.#abort.signal
  }

  get rooms (): ReadonlySet<string> {
    return this.route.membership.roomsOf(this)
  }

  /** Lets messages through: `onOpen` is done. */
  open (data: unknown): void {
    this.data = data
    this.#isOpened = true
    if (!this.end.isClosed) this.#life?.onOpened()
    this.onBeat()
    this.letThrough()
  }

  /** `onOpen` failed: the connection ends without ever having been open. */
  abandon (): void {
    this.refuse(closeCode.internalError, '')
    this.letThrough()
  }

  send (message: unknown): void {
    this.outbox.send(message)
  }

  /** Sends what a room sends to all its members. */
  deliver (broadcast: Broadcast, room: string, slowConsumer: SlowConsumer | null): void {
    this.outbox.deliver(broadcast, room, slowConsumer)
  }

  drained (): Promise<void> {
    return this.outbox.drained()
  }

  ping (): Promise<number> {
    this.#pings ??= new Pings()
    const { payload, answered } = this.#pings.start()
    // A ping that nobody awaits must not become an unhandledRejection.
    answered.catch(ignore)
    this.outbox.ping(payload)
    if (!this.end.canSend) this.#pings.onClose()
    return answered
  }

  renew (expiresAt: Date | number | null): void {
    const time = timeOf(expiresAt)
    if (this.end.isClosed || (this.#life === null && time === null)) return
    this.#life ??= new Life(this, this.route.agenda, this.route)
    this.#life.renew(time)
  }

  join (room: string, options: JoinOptions = {}): Promise<JoinResult> {
    const { membership, limits: { rooms } } = this.route
    // Not by `this.rooms`, which is a copy.
    if (membership.countOf(this) < rooms || membership.isIn(this, room)) return membership.join(this, room, options)
    const refused = Promise.reject(new FST_ERR_WS_ROOM_LIMIT(rooms))
    // It is the client that names rooms: a join that nobody awaits must not become an unhandledRejection.
    refused.catch(ignore)
    return refused
  }

  leave (room: string): Promise<void> {
    return this.route.membership.leave(this, room)
  }

  to (room: string): RoomSender {
    return this.route.membership.to(this, room)
  }

  /* What becomes of a message. */

  handle (payload: Payload): boolean {
    if (this.rates !== null && !this.rates.admits()) {
      refuseForRate(payload, this)
      return false
    }
    return runMessage(payload, this, this.route)
  }

  reply (message: unknown, id: MessageId | undefined, declared: SendContract | null): void {
    this.outbox.reply(message, id, declared)
  }

  /** Sends a message of this package's own. A codec that can't encode it is the application's, and must not end the process. */
  tell (message: object): void {
    try {
      this.outbox.tell(message)
    } catch (error) {
      this.#failedToTell(error)
    }
  }

  #failedToTell (error: unknown): void {
    this.log.error({ err: error }, 'message of fastify-typed-ws could not be encoded')
  }

  /** With each ping, and once when it opens: its client knows from the beginning what silence is too long. */
  onBeat (): void {
    const { heartbeatNotice } = this.route
    if (heartbeatNotice === null || !this.#isOpened) return
    try {
      this.outbox.deliver(heartbeatNotice, '', null)
    } catch (error) {
      this.#failedToTell(error)
    }
  }

  override onPong (payload: Buffer): void {
    super.onPong(payload)
    const roundTrip = this.#pings === null ? null : this.#pings.onPong(payload)
    if (roundTrip !== null) this.latency = roundTrip
  }

  /* What bounds its life says. */

  onIdle (): void {
    if (!this.end.isOpen) return
    this.route.counters.idle++
    this.close(closeCode.idle, 'idle')
  }

  onMaxLifetime (): void {
    if (this.end.isOpen) this.close(closeCode.goingAway, 'maximum lifetime')
  }

  onExpired (): void {
    if (!this.end.isOpen) return
    this.route.counters.expired++
    this.close(closeCode.unauthorized, 'expired')
  }

  onExpiring (expiresAt: Date): void {
    if (!this.end.isOpen) return
    const { onExpiring, instance } = this.route
    if (onExpiring === null) {
      this.tell({ type: 'expiring', expiresAt: expiresAt.toISOString() })
      return
    }
    void guarded(() => onExpiring.call(instance, this, expiresAt), error => this.log.error({ err: error }, 'onExpiring failed'))
  }

  /* The end. */

  protected onLost (): void {
    this.#life?.stop()
    this.#rooms = this.route.membership.leaveAll(this)
    this.#pings?.onClose()
    this.#abort?.abort(new FST_ERR_WS_CLOSED())
  }

  onGone (): void {
    void this.#finish()
  }

  async #finish (): Promise<void> {
    const { onClose, instance, onGone, counters } = this.route
    const info = this.end.info(this.#rooms, this.duration)
    if (this.#isOpened && onClose !== null) {
      await guarded(() => onClose.call(instance, this, info), error => this.log.error({ err: error }, 'onClose failed'))
    }
    const { traffic } = this
    // At one stroke, before anybody is told: whoever then asks for the stats finds it in one of both.
    counters.onClosed(info, this.end.sent, traffic)
    onGone(this)
    tellClosed(this, this.route, info, traffic, this.#isLogged)
  }
}

/** Calls a hook of the application, whatever becomes of it. */
async function guarded (hook: () => unknown, onFailure: (error: unknown) => void): Promise<void> {
  try {
    await hook()
  } catch (error) {
    onFailure(error)
  }
}

/** @throws FST_ERR_WS_EXPIRES_AT */
export function timeOf (expiresAt: Date | number | null): number | null {
  const time = expiresAt instanceof Date ? expiresAt.getTime() : expiresAt
  if (time === null || time === Infinity) return null
  // What no Date can hold is no time either.
  if (typeof time !== 'number' || Number.isNaN(new Date(time).getTime())) throw new FST_ERR_WS_EXPIRES_AT()
  return time
}

function ignore (): void {}
