import type { FastifyBaseLogger } from 'fastify'
import type { Payload } from '../../types/codec.ts'
import type { Connection, ReadyState } from '../../types/connection.ts'
import type { JoinOptions, JoinResult, RoomSender } from '../../types/rooms.ts'
import { FST_ERR_WS_CLOSED } from '../errors.ts'
import type { Broadcast } from '../messages/broadcast.ts'
import type { MessageCodec } from '../messages/codec.ts'
import type { ErrorMessage } from '../messages/error-message.ts'
import type { MessageId, SendContract } from '../messages/send-contract.ts'
import { closeCode } from '../protocol/close.ts'
import type { Compression } from './compression.ts'
import { Link } from './link.ts'
import { Pings } from './pings.ts'
import type { RouteContext } from './route-context.ts'
import { runMessage } from './run-message.ts'
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
}

/** One for all that are still open: an array of its own would cost each 32 bytes. */
const nowhere: readonly string[] = Object.freeze([])

/** The server's end of a WebSocket, as the application sees it. What it is made of is in Link. */
export class ServerConnection extends Link implements Connection {
  readonly id: string
  readonly protocol: string
  readonly codec: MessageCodec
  data: unknown = undefined

  #isOpened = false
  /** Those that it was in at the end. */
  #rooms = nowhere
  #abort: AbortController | null = null
  #pings: Pings | null = null

  constructor (transport: Transport, route: RouteContext, { id, log, protocol, codec, compression }: ConnectionIdentity) {
    super(transport, route, log, codec, compression)
    this.id = id
    this.protocol = protocol
    this.codec = codec
  }

  get readyState (): ReadyState {
    if (this.end.isClosed) return 3
    if (this.end.hasBegun) return 2
    return this.#isOpened ? 1 : 0
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

  join (room: string, options: JoinOptions = {}): Promise<JoinResult> {
    return this.route.membership.join(this, room, options)
  }

  leave (room: string): Promise<void> {
    return this.route.membership.leave(this, room)
  }

  to (room: string): RoomSender {
    return this.route.membership.to(this, room)
  }

  /* What becomes of a message. */

  handle (payload: Payload): boolean {
    return runMessage(payload, this, this.route)
  }

  reply (message: unknown, id: MessageId | undefined): void {
    this.outbox.reply(message, id)
  }

  /** Sends an error message. A codec that can't encode it is the application's, and must not end the process. */
  tell (message: ErrorMessage): void {
    try {
      this.outbox.tell(message)
    } catch (error) {
      this.log.error({ err: error }, 'error message could not be encoded')
    }
  }

  onPong (payload: Buffer): void {
    this.#pings?.onPong(payload)
  }

  /* The end. */

  protected onLost (): void {
    this.#rooms = this.route.membership.leaveAll(this)
    this.#pings?.onClose()
    this.#abort?.abort(new FST_ERR_WS_CLOSED())
  }

  protected onGone (): void {
    void this.#finish()
  }

  async #finish (): Promise<void> {
    const { onClose, instance, onGone } = this.route
    if (this.#isOpened && onClose !== null) {
      try {
        await onClose.call(instance, this, this.end.info(this.#rooms))
      } catch (error) {
        this.log.error({ err: error }, 'onClose failed')
      }
    }
    onGone(this)
  }
}

function ignore (): void {}
