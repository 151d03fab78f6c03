import type { ClosedBy } from '../../types/connection.ts'
import { truncateReason } from '../protocol/close.ts'
import type { CloseStatus } from '../protocol/close.ts'
import type { CloseState } from './close-state.ts'
import { checkClose } from './close-state.ts'
import type { Inbox } from './inbox.ts'
import type { Outbox } from './outbox.ts'
import type { Reader } from './reader.ts'
import type { Transport } from './transport.ts'

/** Whose end this is. */
export interface ClosingOwner {
  /** Whether nothing that was received is still to be handled. */
  readonly isIdle: boolean
  onHeldChange (): void
  /** The close frame is sent: what comes is read at once from here on, for the peer's own. */
  onCloseSent (): void
  /** Nothing more happens. */
  onGone (): void
}

/**
 * The end of one connection, in facts (CloseState): a close frame is answered once the messages before it are handled, the sending side ends after it,
 * and it has gone when the transport has and everything is handled. One timer bounds the wait for the peer and for each handler.
 */
export class Closing {
  readonly state: CloseState
  readonly #owner: ClosingOwner
  readonly #transport: Transport
  readonly #reader: Reader
  readonly #inbox: Inbox
  readonly #outbox: Outbox
  readonly #timeout: number
  #timer: NodeJS.Timeout | null = null
  #isGone = false
  #isDropped = false
  /** Whether the transport was told to go, which takes it a moment. */
  isDestroyed = false

  /** @param timeout milliseconds, for the peer's part of it and for each handler */
  constructor (owner: ClosingOwner, state: CloseState, transport: Transport, reader: Reader, inbox: Inbox, outbox: Outbox, timeout: number) {
    this.state = state
    this.#owner = owner
    this.#transport = transport
    this.#reader = reader
    this.#inbox = inbox
    this.#outbox = outbox
    this.#timeout = timeout
  }

  /** @throws FST_ERR_WS_CLOSE_CODE, FST_ERR_WS_CLOSE_REASON */
  close (code: number, reason: string): void {
    checkClose(code, reason)
    if (this.isDestroyed || !this.state.canSend || this.state.received !== null) return
    this.#inbox.clear()
    this.#sendClose({ code, reason })
    if (this.state.isEnded && this.#owner.isIdle) this.#outbox.finish()
  }

  /**
   * The server ends: closes as soon as the handlers that run have replied, and handles nothing more. How long they may take is for the caller to say,
   * with `close` and `drop`, and not for `closeTimeout`.
   */
  retire (code: number, reason: string): void {
    this.state.retired = { code, reason }
    // Those before a close frame of the peer are handled, as ever.
    if (this.state.received !== null) return
    this.#inbox.clear()
    this.#reader.release()
    if (this.#inbox.isEmpty) this.onInboxEmpty()
    this.#owner.onHeldChange()
  }

  terminate (by: ClosedBy): void {
    this.state.begin(by)
    this.#reader.stop()
    this.#inbox.clear()
    this.destroy()
  }

  /** As `terminate`, and waits for no handler: the server must end. */
  drop (): void {
    this.#isDropped = true
    this.terminate('server')
    if (this.state.isClosed) this.#gone()
  }

  /** Fails the connection: says why, and reads no further (RFC 6455 section 7.1.7). */
  fail (code: number, reason: string): void {
    this.#reader.stop()
    if (this.state.isClosed) return
    if (this.state.canSend) this.#sendClose({ code, reason: truncateReason(reason) })
    this.#outbox.finish()
    this.#transport.resume()
  }

  /** Fails the connection over a message: those behind it are not handled. */
  refuse (code: number, reason: string): void {
    this.#inbox.clear()
    this.fail(code, reason)
  }

  destroy (): void {
    this.isDestroyed = true
    this.#transport.destroy()
    this.#owner.onHeldChange()
  }

  /** RFC 6455 section 5.5.1: answered once the messages before it are handled, so that their replies still leave. */
  onCloseFrame (code: number, reason: string): void {
    this.state.begin('client')
    this.state.received = { code, reason }
    this.#reader.stop()
    this.#startTimer()
    if (this.state.sent !== null || this.#owner.isIdle) this.#answer()
  }

  /** The peer sends no more. Half open is no state of a WebSocket: this side ends as soon as its handlers have (RFC 6455 section 7.1.1). */
  onEnd (): void {
    this.state.begin('network')
    this.state.isEnded = true
    this.#startTimer()
    if (this.#owner.isIdle) this.#outbox.finish()
  }

  /** The transport has gone; `onLost` follows. */
  onClose (): void {
    this.state.begin('network')
    this.state.isClosed = true
    this.#stopTimer()
  }

  /** What is left once the transport has gone is done, or still being handled. */
  onLost (): void {
    if (this.#owner.isIdle || this.#isDropped) this.#gone()
    else this.#startTimer()
  }

  /** No handler runs any more, though there may be more to read. */
  onInboxEmpty (): void {
    if (this.state.retired !== null) this.close(this.state.retired.code, this.state.retired.reason)
  }

  /** Everything that came is handled. */
  onIdle (): void {
    if (this.state.isClosed) this.#gone()
    else if (this.state.received !== null) this.#answer()
    else if (this.state.isEnded) this.#outbox.finish()
  }

  /**
   * Once the end has begun, a handler that settles wins those behind it another `closeTimeout`, and so does a rate that lets them be read: by another
   * timer, since this one may be over.
   */
  settled (): void {
    if (this.#timer === null) return
    this.#stopTimer()
    this.#startTimer()
  }

  #sendClose (status: CloseStatus): void {
    this.state.begin('server')
    this.#outbox.close(status)
    this.#startTimer()
    this.#owner.onCloseSent()
  }

  #answer (): void {
    if (this.state.canSend && this.state.received !== null) this.#sendClose({ code: this.state.received.code, reason: '' })
    this.#outbox.finish()
  }

  #startTimer (): void {
    this.#timer ??= setTimeout(onTimeout, this.#timeout, this).unref()
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
    if (this.state.retired !== null && !this.#inbox.isEmpty) {
      this.#timer?.refresh()
      return
    }
    this.#stopTimer()
    this.terminate('server')
    if (this.state.isClosed) this.#gone()
  }

  /** Not before `onOpen` has settled: what it began is for `onClose` to end. */
  #gone (): void {
    if (this.#isGone || !this.#inbox.isOpen) return
    this.#isGone = true
    this.#stopTimer()
    this.#reader.stop()
    this.#owner.onHeldChange()
    this.#owner.onGone()
  }
}

function onTimeout (closing: Closing): void {
  closing.onTimeout()
}
