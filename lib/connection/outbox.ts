import type { Broadcast } from '../messages/broadcast.ts'
import { FST_ERR_WS_SEND_INVALID } from '../errors.ts'
import type { MessageCodec } from '../messages/codec.ts'
import type { MessageId, SendContract } from '../messages/send-contract.ts'
import { encodeClose } from '../protocol/close.ts'
import type { CloseStatus } from '../protocol/close.ts'
import { opcode } from '../protocol/frame.ts'
import { encodeFrame } from '../protocol/frame-encoder.ts'
import type { CloseState } from './close-state.ts'
import type { RouteContext } from './route-context.ts'
import type { SendQueue } from './send-queue.ts'
import { messageKey } from './slow-consumer.ts'
import type { SlowConsumer } from './slow-consumer.ts'

/** The heartbeat's ping: one frame for all, since it carries nothing. */
const heartbeatPing = encodeFrame(opcode.ping, Buffer.alloc(0))

/** What one connection sends, until its close frame is sent; from then on, nothing. */
export class Outbox {
  readonly #queue: SendQueue
  readonly #route: RouteContext
  readonly #codec: MessageCodec
  readonly #end: CloseState
  /** The latest ping of a peer that does not read: the only one that is still to be answered. */
  #latePong: Buffer | null = null
  #messages = 0

  constructor (queue: SendQueue, route: RouteContext, codec: MessageCodec, end: CloseState) {
    this.#queue = queue
    this.#route = route
    this.#codec = codec
    this.#end = end
  }

  get sends (): SendContract {
    return this.#route.sends
  }

  get bufferedAmount (): number {
    return this.#queue.bufferedAmount
  }

  /** How many messages it was given to send. */
  get messages (): number {
    return this.#messages
  }

  /** How many bytes of frames the transport was given, or is about to be. */
  get bytes (): number {
    return this.#queue.written
  }

  get writable (): boolean {
    return this.#queue.bufferedAmount < this.#route.highWaterMark
  }

  async drained (): Promise<void> {
    while (!this.writable && this.#end.canSend) await this.#queue.progress()
  }

  send (message: unknown): void {
    if (this.#end.canSend) this.#put(this.#codec.encode(message, this.sends), message)
  }

  /**
   * What a handler answered to a message with, or without, an id.
   *
   * @param declared what such messages are answered with; null where nothing says it
   */
  reply (message: unknown, id: MessageId | undefined, declared: SendContract | null): void {
    if (!this.#end.canSend) return
    // Else its client would wait in vain.
    if (message === undefined && declared !== null) throw new FST_ERR_WS_SEND_INVALID(`the handler answered nothing, and ${declared.name} says what it has to`)
    const contract = declared ?? this.sends
    this.#put(id === undefined ? this.#codec.encode(message, contract) : this.#codec.encodeReply(message, contract, id), message)
  }

  /** What this package says itself. No policy's `key` knows it: it replaces nothing. */
  tell (message: object): void {
    if (!this.#end.canSend) return
    this.#messages++
    this.#queue.putMessage(this.#codec.encodePlain(message), this.#route.slowConsumer, null)
  }

  /**
   * What a room sends to all its members.
   *
   * @param slowConsumer the room's policy; null where it declares none
   */
  deliver (broadcast: Broadcast, room: string, slowConsumer: SlowConsumer | null): void {
    if (!this.#end.canSend) return
    this.#messages++
    const slow = slowConsumer ?? this.#route.slowConsumer
    this.#queue.put(broadcast.frameFor(this.#codec), true, slow, slow.key === null || broadcast.isOwn ? null : () => messageKey(slow, room, broadcast.message))
  }

  #put (payload: string | Buffer, message: unknown): void {
    this.#messages++
    const slow = this.#route.slowConsumer
    this.#queue.putMessage(payload, slow, slow.key === null ? null : () => messageKey(slow, '', message))
  }

  ping (payload: Buffer): void {
    if (this.#end.canSend) this.#queue.putControl(encodeFrame(opcode.ping, payload))
  }

  /** The ping of the heartbeat. A peer that does not read would find one for every interval: returns whether it was sent. */
  beat (): boolean {
    if (!this.#end.canSend || !this.writable) return false
    this.#queue.putControl(heartbeatPing)
    return true
  }

  /** Answers a ping; those of a peer that does not read are not queued (RFC 6455 section 5.5.3). */
  pong (payload: Buffer): void {
    if (!this.#end.canSend) return
    if (!this.#queue.isStuck) {
      this.#queue.putControl(encodeFrame(opcode.pong, payload))
      return
    }
    const isFirst = this.#latePong === null
    this.#latePong = Buffer.from(payload)
    if (isFirst) void this.#queue.progress().then(() => this.#pongLate())
  }

  #pongLate (): void {
    const payload = this.#latePong
    this.#latePong = null
    if (payload !== null && this.#end.canSend) this.#queue.putControl(encodeFrame(opcode.pong, payload))
  }

  /** The close frame: the last one. */
  close (status: CloseStatus): void {
    this.#end.sent = status
    this.#queue.putLast(encodeFrame(opcode.close, encodeClose(status.code, status.reason)))
  }

  /** Ends the sending side of the transport once everything is written. */
  finish (): void {
    this.#end.isFinished = true
    this.#queue.end()
  }
}
