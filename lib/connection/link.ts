import type { FastifyBaseLogger } from 'fastify'
import type { Payload } from '../../types/codec.ts'
import { channels } from '../channels.ts'
import type { MessageCodec } from '../messages/codec.ts'
import { closeCode, truncateReason } from '../protocol/close.ts'
import type { CloseStatus } from '../protocol/close.ts'
import { ProtocolError } from '../protocol/protocol-error.ts'
import { checkClose, CloseState } from './close-state.ts'
import type { Compression } from './compression.ts'
import type { Beating } from './heartbeat.ts'
import { Inbox } from './inbox.ts'
import type { InboxOwner } from './inbox.ts'
import type { MemoryHolder } from './memory-budget.ts'
import { Outbox } from './outbox.ts'
import { Reader } from './reader.ts'
import type { ReaderOwner } from './reader.ts'
import type { RouteContext } from './route-context.ts'
import { SendQueue } from './send-queue.ts'
import type { SendQueueOwner } from './send-queue.ts'
import type { SlowConsumer, SlowConsumerOutcome } from './slow-consumer.ts'
import type { Transport, TransportOwner } from './transport.ts'

/** How much of what it wrote may be left to a client that is closed because the server needs the memory, in bytes. */
const heldWhileClosing = 64 * 1024

/**
 * One WebSocket as bytes, and their end: between the transport on one side and messages on the other, it joins the parts that read, keep and send,
 * says what they hold together, and closes.
 *
 * It ends in facts (CloseState): a close frame is answered once the messages before it are handled, and it has gone when everything has.
 */
export abstract class Link implements TransportOwner, ReaderOwner, InboxOwner, SendQueueOwner, MemoryHolder, Beating {
  readonly log: FastifyBaseLogger
  readonly #route: RouteContext
  readonly #transport: Transport
  readonly #reader: Reader
  readonly #inbox: Inbox
  readonly #sendQueue: SendQueue
  readonly #outbox: Outbox
  readonly #end = new CloseState()

  #isGone = false
  #isDropped = false
  /** Whether the transport was told to go, which takes it a moment. */
  #isDestroyed = false
  #held = 0
  /** Whether nothing came since the last ping of the heartbeat; false where that could not be sent. */
  #isSilent = false
  #timer: NodeJS.Timeout | null = null
  #slot: Set<Beating> | null = null

  /** @param compression what was agreed on; null for none */
  constructor (transport: Transport, route: RouteContext, log: FastifyBaseLogger, codec: MessageCodec, compression: Compression | null) {
    this.log = log
    this.#route = route
    this.#transport = transport
    this.#reader = new Reader(this, transport, route.maxPayload, compression)
    this.#inbox = new Inbox(this, route.concurrency)
    this.#sendQueue = new SendQueue(this, transport, compression, route.sendBudget)
    this.#outbox = new Outbox(this.#sendQueue, route, codec, this.#end)
    transport.attach(this)
    route.heartbeat?.add(this)
  }

  // Accessors, so that a connection that is logged does not bring its route and its server along.

  protected get route (): RouteContext {
    return this.#route
  }

  protected get outbox (): Outbox {
    return this.#outbox
  }

  protected get end (): CloseState {
    return this.#end
  }

  /* What becomes of what it receives. */

  /** Handles a message; answers whether that goes on after the call, in which case `settled` follows. */
  abstract handle (payload: Payload): boolean

  abstract onPong (payload: Buffer): void

  /** The transport has gone; what came before may still be handled. */
  protected abstract onLost (): void

  /** Nothing more happens here. */
  protected abstract onGone (): void

  /** Lets messages through to the handler. */
  protected letThrough (): void {
    this.#inbox.open()
    this.onHeldChange()
  }

  close (code: number = closeCode.normal, reason = ''): void {
    checkClose(code, reason)
    if (!this.#end.canSend || this.#end.received !== null) return
    this.#inbox.clear()
    this.#sendClose({ code, reason })
    if (this.#end.isEnded && this.#isIdle) this.#outbox.finish()
    this.onInboxRoom()
    this.onHeldChange()
  }

  terminate (): void {
    this.#reader.stop()
    this.#inbox.clear()
    this.#destroy()
  }

  /** As `terminate`, and waits for no handler: the server must end. */
  drop (): void {
    this.#isDropped = true
    this.terminate()
    if (this.#end.isClosed) this.#gone()
  }

  /* What the transport says. */

  onData (chunk: Buffer): void {
    this.#isSilent = false
    this.#sendQueue.hold()
    this.#reader.push(chunk)
    // Replies of handlers that go on are waited for until the tick ends.
    this.#sendQueue.release(this.#isIdle)
    this.onHeldChange()
  }

  onDrain (): void {
    this.#sendQueue.onDrain()
  }

  /** The peer sends no more. Half open is no state of a WebSocket: this side ends as soon as its handlers have (RFC 6455 section 7.1.1). */
  onEnd (): void {
    this.#end.isEnded = true
    this.#startTimer()
    if (this.#isIdle) this.#outbox.finish()
  }

  onClose (): void {
    this.#end.isClosed = true
    this.#stopTimer()
    this.#route.heartbeat?.delete(this)
    this.#sendQueue.discard()
    this.onLost()
    this.#inbox.unblocked()
    this.onHeldChange()
    if (this.#isIdle || this.#isDropped) this.#gone()
    else this.#startTimer()
  }

  /* What the reader says. */

  onMessage (payload: Payload): void {
    if (this.#end.sent === null) this.#inbox.push(payload)
  }

  onPing (payload: Buffer): void {
    this.#outbox.pong(payload)
  }

  /** RFC 6455 section 5.5.1: answered once the messages before it are handled, so that their replies still leave. */
  onCloseFrame (code: number, reason: string): void {
    this.#end.received = { code, reason }
    this.#reader.stop()
    this.#startTimer()
    if (this.#end.sent !== null || this.#isIdle) this.#answerClose()
  }

  onWaited (): void {
    if (this.#isIdle) this.onInboxEmpty()
    this.onHeldChange()
  }

  /** Whether nothing that was received is still to be handled. */
  get #isIdle (): boolean {
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
    // What came while nothing was read is yet to be read.
    this.#isSilent = false
    this.#reader.release()
  }

  onInboxEmpty (): void {
    if (this.#reader.isBehind) return
    if (this.#end.isClosed) this.#gone()
    else if (this.#end.received !== null) this.#answerClose()
    else if (this.#end.isEnded) this.#outbox.finish()
  }

  /* What the send queue says. */

  onRepliesLeft (): void {
    this.#inbox.unblocked()
    this.onHeldChange()
  }

  onSlow (outcome: SlowConsumerOutcome, { policy }: SlowConsumer): void {
    this.#route.counters.onSlow(outcome)
    if (channels.slowConsumer.hasSubscribers) channels.slowConsumer.publish({ connection: this, policy, outcome, bufferedAmount: this.#sendQueue.bufferedAmount })
    if (outcome !== 'closed') return
    this.log.info({ bufferedAmount: this.#sendQueue.bufferedAmount }, 'WebSocket closed: the client does not read')
    // The close frame must not wait for what the client has not read.
    this.#sendQueue.discard()
    if (this.#end.received === null) this.close(closeCode.tryAgainLater, 'too slow')
    else this.refuse(closeCode.tryAgainLater, 'too slow')
  }

  onSendFailure (error: unknown): void {
    this.log.error({ err: error }, 'WebSocket message could not be compressed')
    this.terminate()
  }

  /* What the heartbeat asks. */

  get slot (): Set<Beating> | null {
    return this.#slot
  }

  set slot (slot: Set<Beating> | null) {
    this.#slot = slot
  }

  beat (): void {
    this.#isSilent = this.#outbox.beat()
    // What is read ahead while nothing is read tells nobody that it has come.
    this.onHeldChange()
  }

  /** What it sent may wait behind messages that we do not read yet, or its pong behind one that it has not read yet. */
  endIfSilent (): void {
    if (!this.#isSilent || this.#end.hasBegun || this.#reader.isPaused || this.#sendQueue.isBlocked) return
    this.#route.counters.silent++
    this.log.info('WebSocket dropped: the client does not answer')
    this.terminate()
  }

  /* What the budget says and is told. */

  /** Bytes of memory that it holds: what has come and is not handled, and what was sent and not taken. */
  get held (): number {
    return this.#held
  }

  onHeldChange (): void {
    const kept = this.#reader.held + this.#inbox.held
    const held = this.#end.isClosed || this.#isDestroyed ? kept : kept + this.#sendQueue.held + (this.#reader.isPaused ? this.#transport.readAhead : 0)
    const by = held - this.#held
    if (by === 0) return
    this.#held = held
    this.#route.budget.change(this, by)
  }

  shed (): void {
    const held = this.#held
    this.#sendQueue.discard()
    this.refuse(closeCode.tryAgainLater, 'out of memory')
    this.onHeldChange()
    // What the transport has taken on can't be discarded without it. Others must not have to let go in its place.
    if (this.#held > Math.min(heldWhileClosing, held / 2)) this.#destroy()
  }

  /** Once the end has begun, a handler that settles wins those behind it another `closeTimeout`. */
  settled (): void {
    this.#timer?.refresh()
    this.#inbox.settled()
    this.onHeldChange()
  }

  /* The end. */

  /** The one place where a violation becomes a close code. */
  onViolation (error: unknown): void {
    if (error instanceof ProtocolError) {
      this.log.info({ err: error }, 'WebSocket protocol violated')
      if (error.closeCode === closeCode.messageTooBig) this.#onTooBig()
      this.fail(error.closeCode, error.message)
    } else {
      this.log.error({ err: error }, 'WebSocket connection failed')
      this.fail(closeCode.internalError, '')
    }
  }

  #onTooBig (): void {
    this.#route.counters.tooBig++
    if (channels.tooBig.hasSubscribers) channels.tooBig.publish({ connection: this, maxPayload: this.#route.maxPayload })
  }

  /** Fails the connection: says why, and reads no further (RFC 6455 section 7.1.7). */
  fail (code: number, reason: string): void {
    this.#reader.stop()
    if (this.#end.isClosed) return
    if (this.#end.canSend) this.#sendClose({ code, reason: truncateReason(reason) })
    this.#outbox.finish()
    this.#transport.resume()
  }

  /** Fails the connection over a message: those behind it are not handled. */
  refuse (code: number, reason: string): void {
    this.#inbox.clear()
    this.fail(code, reason)
  }

  #destroy (): void {
    this.#isDestroyed = true
    this.#transport.destroy()
    this.onHeldChange()
  }

  #sendClose (status: CloseStatus): void {
    this.#outbox.close(status)
    this.#startTimer()
  }

  #answerClose (): void {
    if (this.#end.canSend && this.#end.received !== null) this.#sendClose({ code: this.#end.received.code, reason: '' })
    this.#outbox.finish()
  }

  #startTimer (): void {
    this.#timer ??= setTimeout(onTimeout, this.#route.closeTimeout, this).unref()
  }

  #stopTimer (): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  /** A loop that was blocked runs its timers before it reads: what the peer sent meanwhile was in time. */
  onTimeout (): void {
    const timer = this.#timer
    setImmediate(() => { if (this.#timer === timer) this.#onTooLate() })
  }

  /** The peer, or a handler, did not end in time. */
  #onTooLate (): void {
    this.#stopTimer()
    this.terminate()
    if (this.#end.isClosed) this.#gone()
  }

  /** Not before `onOpen` has settled: what it began is for `onClose` to end. */
  #gone (): void {
    if (this.#isGone || !this.#inbox.isOpen) return
    this.#isGone = true
    this.#stopTimer()
    this.#reader.stop()
    this.onHeldChange()
    this.onGone()
  }
}

function onTimeout (link: Link): void {
  link.onTimeout()
}
