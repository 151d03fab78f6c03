import type { FastifyBaseLogger } from 'fastify'
import type { Payload } from '../../types/codec.ts'
import type { ExceedOption } from '../../types/options.ts'
import type { MessageCodec } from '../messages/codec.ts'
import { outside } from '../outside.ts'
import { closeCode } from '../protocol/close.ts'
import { ProtocolError } from '../protocol/protocol-error.ts'
import { CloseState } from './close-state.ts'
import { Closing } from './closing.ts'
import type { ClosingOwner } from './closing.ts'
import type { Compression } from './compression.ts'
import { Holding } from './holding.ts'
import { Inbox } from './inbox.ts'
import type { InboxOwner } from './inbox.ts'
import { tellLimited, tellSilent, tellSlow, tellTooBig } from './incidents.ts'
import { Outbox } from './outbox.ts'
import { Pulse } from './pulse.ts'
import type { PulseOwner } from './pulse.ts'
import type { Rates, RatesOwner } from './rates.ts'
import { Reader } from './reader.ts'
import type { ReaderOwner } from './reader.ts'
import type { RouteContext } from './route-context.ts'
import { SendQueue } from './send-queue.ts'
import type { SendQueueOwner } from './send-queue.ts'
import type { SlowConsumer, SlowConsumerOutcome } from './slow-consumer.ts'
import type { Transport, TransportOwner } from './transport.ts'

/**
 * One WebSocket as bytes: between the transport on one side and messages on the other, it joins the parts that read, keep, send and
 * close.
 */
export abstract class Link implements TransportOwner, ReaderOwner, InboxOwner, SendQueueOwner, ClosingOwner, PulseOwner, RatesOwner {
  readonly log: FastifyBaseLogger
  readonly #route: RouteContext
  readonly #reader: Reader
  readonly #inbox: Inbox
  readonly #sendQueue: SendQueue
  readonly #outbox: Outbox
  readonly #closing: Closing
  readonly #holding: Holding
  /** null without a heartbeat */
  readonly #pulse: Pulse | null
  /** null for none */
  readonly #rates: Rates | null

  /** The round trip of the last ping that was answered, in milliseconds. */
  latency: number | null = null
  /** Of `performance.now()`, in whole milliseconds. */
  readonly #openedAt = Math.round(performance.now())
  #receivedMessages = 0
  #receivedBytes = 0

  /**
   * @param compression what was agreed on; null for none
   * @param key whose it is
   */
  constructor (transport: Transport, route: RouteContext, log: FastifyBaseLogger, codec: MessageCodec, compression: Compression | null, key: string | undefined) {
    this.log = log
    this.#route = route
    this.#reader = new Reader(this, transport, route.maxPayload, compression)
    this.#inbox = new Inbox(this, route.concurrency)
    this.#sendQueue = new SendQueue(this, transport, compression, route.sendBudget)
    const end = new CloseState()
    this.#outbox = new Outbox(this.#sendQueue, route, codec, end)
    this.#closing = new Closing(this, end, transport, this.#reader, this.#inbox, this.#outbox, route.closeTimeout)
    this.#holding = new Holding(this, transport, this.#reader, this.#inbox, this.#sendQueue, this.#closing, route.budget)
    this.#rates = route.rates === null ? null : route.rates.of(this, key)
    transport.attach(this)
    this.#pulse = route.heartbeat === null ? null : new Pulse(this, this.#reader, this.#sendQueue, this.#outbox, end)
    if (this.#pulse !== null) route.heartbeat?.add(this.#pulse)
  }

  // Accessors, so that a connection that is logged does not bring its route and its server along.

  protected get route (): RouteContext {
    return this.#route
  }

  /** The URL of its route, as it was declared. */
  get url (): string {
    return this.#route.url
  }

  protected get outbox (): Outbox {
    return this.#outbox
  }

  protected get end (): CloseState {
    return this.#closing.state
  }

  /** null for none */
  protected get rates (): Rates | null {
    return this.#rates
  }

  get receivedMessages (): number {
    return this.#receivedMessages
  }

  protected get receivedBytes (): number {
    return this.#receivedBytes
  }

  /** How long it has lasted, in milliseconds. */
  protected get duration (): number {
    return Math.round(performance.now()) - this.#openedAt
  }

  get isBusy (): boolean {
    return !this.isIdle || this.#reader.isPaused
  }

  /* What becomes of what it receives. */

  /** Handles a message; answers whether that goes on after the call, in which case `settled` follows. */
  abstract handle (payload: Payload): boolean

  onPong (payload: Buffer): void {
    this.#pulse?.onPong(payload)
  }

  /** The transport has gone; what came before may still be handled. */
  protected abstract onLost (): void

  /** Nothing more happens here. */
  abstract onGone (): void

  /** Lets messages through to the handler: those that waited, too, are of no request. */
  protected letThrough (): void {
    if (this.#inbox.isEmpty) this.#inbox.open()
    else outside(() => this.#inbox.open())
    this.onHeldChange()
  }

  close (code: number = closeCode.normal, reason = ''): void {
    this.#closing.close(code, reason)
    this.onHeldChange()
  }

  terminate (): void {
    this.#closing.terminate('server')
  }

  /** As `close`, once the handlers that run have replied: the server ends. */
  retire (code: number, reason: string): void {
    this.#closing.retire(code, reason)
  }

  /** As `terminate`, and waits for no handler: the server must end. */
  drop (): void {
    this.#closing.drop()
  }

  /* What the transport says. */

  onData (chunk: Buffer): void {
    this.#pulse?.onSign()
    this.#receivedBytes += chunk.length
    if (this.#rates !== null && this.end.sent === null && !this.#rates.takeBytes(chunk.length)) return
    this.#sendQueue.hold()
    this.#reader.push(chunk)
    if (this.#rates !== null && this.end.sent === null) this.#rates.paceBytes()
    // Replies of handlers that go on are waited for until the tick ends.
    this.#sendQueue.release(this.isIdle)
    this.onHeldChange()
  }

  onDrain (): void {
    this.#sendQueue.onDrain()
  }

  onEnd (): void {
    this.#closing.onEnd()
  }

  onClose (): void {
    this.#closing.onClose()
    if (this.#pulse !== null) this.#route.heartbeat?.delete(this.#pulse)
    // Of a client that is gone without a word, what is beyond its rate is dropped: else going would be a way around it.
    if (this.#rates !== null && this.#rates.end()) this.#reader.stop()
    this.#sendQueue.discard()
    this.onLost()
    this.#inbox.unblocked()
    this.onHeldChange()
    this.#closing.onLost()
  }

  /* What the reader says. */

  onMessage (payload: Payload): void {
    this.#receivedMessages++
    if (!this.end.takesMessages || (this.#rates !== null && !this.#rates.takeMessage())) return
    this.#inbox.push(payload)
  }

  onPing (payload: Buffer): void {
    this.#outbox.pong(payload)
  }

  onCloseFrame (code: number, reason: string): void {
    this.#closing.onCloseFrame(code, reason)
  }

  onWaited (): void {
    if (this.isIdle) this.onInboxEmpty()
    this.onHeldChange()
  }

  /** Whether nothing that was received is still to be handled. */
  get isIdle (): boolean {
    return this.#inbox.isEmpty && !this.#reader.isBehind
  }

  /* What the inbox says. */

  get hasUnreadReplies (): boolean {
    return this.#sendQueue.hasReplies
  }

  onInboxFull (): void {
    this.#reader.hold()
  }

  onInboxRoom (): void {
    this.#pulse?.onSign()
    this.#reader.release()
  }

  onInboxEmpty (): void {
    this.#closing.onInboxEmpty()
    if (!this.#reader.isBehind) this.#closing.onIdle()
  }

  /* What the send queue says. */

  /** Whatever wrote last to a client that did not read may be another's: its AsyncLocalStorage is not for this one's handlers. */
  onRepliesLeft (): void {
    outside(() => this.#inbox.unblocked())
    this.onHeldChange()
  }

  onSlow (outcome: SlowConsumerOutcome, slowConsumer: SlowConsumer): void {
    // It may be too slow for several rooms.
    if (!this.end.canSend) return
    tellSlow(this, this.#route, outcome, slowConsumer, this.#sendQueue.bufferedAmount)
    if (outcome !== 'closed') return
    // The close frame must not wait for what the client has not read.
    this.#sendQueue.discard()
    if (this.end.received === null) this.close(closeCode.tryAgainLater, 'too slow')
    else this.refuse(closeCode.tryAgainLater, 'too slow')
  }

  onSendFailure (error: unknown): void {
    this.log.error({ err: error }, 'WebSocket message could not be compressed')
    this.terminate()
  }

  /* What its rates say. */

  throttle (on: boolean): void {
    this.#reader.throttle(on)
    if (on) return
    this.#pulse?.onSign()
    this.#closing.settled()
    this.onWaited()
  }

  onLimited (policy: ExceedOption): void {
    tellLimited(this, this.#route, policy)
    if (policy !== 'close') return
    this.refuse(closeCode.policyViolation, 'rate limit')
    this.onHeldChange()
  }

  /* What the pulse says. */

  abstract onBeat (): void

  onRoundTrip (milliseconds: number): void {
    this.latency = milliseconds
  }

  onSilent (): void {
    tellSilent(this, this.#route)
    this.#closing.terminate('network')
  }

  onHeldChange (): void {
    this.#holding.update()
  }

  /** A handler that went on is done. */
  settled (): void {
    this.#closing.settled()
    this.#inbox.settled()
    this.onHeldChange()
  }

  /* The end. */

  onCloseSent (): void {
    this.#rates?.unthrottle()
    this.onInboxRoom()
  }

  fail (code: number, reason: string): void {
    this.#closing.fail(code, reason)
  }

  refuse (code: number, reason: string): void {
    this.#closing.refuse(code, reason)
  }

  /** The one place where a violation becomes a close code. */
  onViolation (error: unknown): void {
    if (error instanceof ProtocolError) {
      this.log.info({ err: error }, 'WebSocket protocol violated')
      if (error.closeCode === closeCode.messageTooBig) tellTooBig(this, this.#route)
      this.fail(error.closeCode, error.message)
    } else {
      this.log.error({ err: error }, 'WebSocket connection failed')
      this.fail(closeCode.internalError, '')
    }
  }
}
