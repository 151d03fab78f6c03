import type { Broadcast } from '../messages/broadcast.ts'
import type { MessageCodec } from '../messages/codec.ts'
import type { ErrorMessage } from '../messages/error-message.ts'
import type { MessageId, SendContract } from '../messages/send-contract.ts'
import { encodeClose } from '../protocol/close.ts'
import type { CloseStatus } from '../protocol/close.ts'
import { opcode } from '../protocol/frame.ts'
import { encodeFrame, encodeMessage } from '../protocol/frame-encoder.ts'
import type { CloseState } from './close-state.ts'
import { FrameWriter } from './frame-writer.ts'
import type { RouteContext } from './route-context.ts'
import type { Transport } from './transport.ts'

/** What one connection sends, until its close frame is sent; from then on, nothing. */
export class Outbox {
  readonly #transport: Transport
  readonly #route: RouteContext
  readonly #codec: MessageCodec
  readonly #end: CloseState
  readonly #writer: FrameWriter
  /** The latest ping of a peer that does not read: the only one that is still to be answered. */
  #latePong: Buffer | null = null

  constructor (transport: Transport, route: RouteContext, codec: MessageCodec, end: CloseState) {
    this.#transport = transport
    this.#route = route
    this.#codec = codec
    this.#end = end
    this.#writer = new FrameWriter(transport)
  }

  get sends (): SendContract {
    return this.#route.sends
  }

  get bufferedAmount (): number {
    return this.#writer.bufferedAmount
  }

  get writable (): boolean {
    return this.#writer.bufferedAmount < this.#route.highWaterMark
  }

  async drained (): Promise<void> {
    while (!this.writable && this.#end.canSend) {
      await new Promise<void>(resolve => {
        this.#writer.flush()
        this.#transport.afterWrites(resolve)
      })
    }
  }

  send (message: unknown): void {
    if (this.#end.canSend) this.#writer.write(encodeMessage(this.#codec.encode(message, this.sends)))
  }

  /** What a handler answered to a message with, or without, an id. */
  reply (message: unknown, id: MessageId | undefined): void {
    if (id === undefined) this.send(message)
    else if (this.#end.canSend) this.#writer.write(encodeMessage(this.#codec.encodeReply(message, this.sends, id)))
  }

  tell (message: ErrorMessage): void {
    if (this.#end.canSend) this.#writer.write(encodeMessage(this.#codec.encodePlain(message)))
  }

  /** What a room sends to all its members. */
  deliver (broadcast: Broadcast): void {
    if (this.#end.canSend) this.#writer.write(broadcast.frameFor(this.#codec))
  }

  ping (payload: Buffer): void {
    if (this.#end.canSend) this.#writer.write(encodeFrame(opcode.ping, payload))
  }

  /** Answers a ping; those of a peer that does not read are not queued (RFC 6455 section 5.5.3). */
  pong (payload: Buffer): void {
    if (!this.#end.canSend) return
    if (this.writable) {
      this.#writer.write(encodeFrame(opcode.pong, payload))
      return
    }
    const isFirst = this.#latePong === null
    this.#latePong = Buffer.from(payload)
    if (isFirst) void this.drained().then(() => this.#pongLate())
  }

  #pongLate (): void {
    const payload = this.#latePong
    this.#latePong = null
    if (payload !== null && this.#end.canSend) this.#writer.write(encodeFrame(opcode.pong, payload))
  }

  /** The close frame: the last one. */
  close (status: CloseStatus): void {
    this.#end.sent = status
    this.#writer.write(encodeFrame(opcode.close, encodeClose(status.code, status.reason)))
  }

  /** Ends the sending side of the transport once everything is written. */
  finish (): void {
    this.#writer.flush()
    this.#end.isFinished = true
    this.#transport.end()
  }
}
