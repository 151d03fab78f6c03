import type { ClosedBy, CloseInfo } from '../../types/connection.ts'
import { FST_ERR_WS_CLOSE_CODE, FST_ERR_WS_CLOSE_REASON } from '../errors.ts'
import { closeCode, isSendableCloseCode, maxReasonBytes } from '../protocol/close.ts'
import type { CloseStatus } from '../protocol/close.ts'

const lost: CloseStatus = Object.freeze({ code: closeCode.abnormal, reason: '' })

/** How far the end of a connection has come: facts, set once each. Everything else is derived from them. */
export class CloseState {
  /** Our close frame. */
  sent: CloseStatus | null = null
  /** The peer's close frame. */
  received: CloseStatus | null = null
  /** What it is closed with as soon as no handler runs: the server ends. */
  retired: CloseStatus | null = null
  /** The peer sends no more. */
  isEnded = false
  /** Nothing more can leave: the sending side of the transport is ended. */
  isFinished = false
  /** The transport is gone. */
  isClosed = false
  /** Who began it. */
  by: ClosedBy | null = null

  /** The first one to begin it has. */
  begin (by: ClosedBy): void {
    this.by ??= by
  }

  get hasBegun (): boolean {
    return this.sent !== null || this.received !== null || this.isEnded || this.isClosed
  }

  /** Whether nothing says yet that it is to end. */
  get isOpen (): boolean {
    return !this.hasBegun && this.retired === null
  }

  /** Whether messages are still handled. */
  get takesMessages (): boolean {
    return this.sent === null && this.retired === null
  }

  /** Messages and pongs may leave until our close frame has (RFC 6455 section 5.5.1). */
  get canSend (): boolean {
    return this.sent === null && !this.isFinished && !this.isClosed
  }

  /** RFC 6455 sections 7.1.4 to 7.1.6. */
  info (rooms: readonly string[], duration: number): CloseInfo {
    const { code, reason } = this.received ?? this.sent ?? lost
    return { code, reason, wasClean: this.received !== null && this.sent !== null, closedBy: this.by ?? 'network', duration, rooms }
  }
}

/** @throws FST_ERR_WS_CLOSE_CODE, FST_ERR_WS_CLOSE_REASON */
export function checkClose (code: number, reason: string): void {
  if (!Number.isInteger(code) || !isSendableCloseCode(code)) throw new FST_ERR_WS_CLOSE_CODE(code)
  if (typeof reason !== 'string' || Buffer.byteLength(reason) > maxReasonBytes) throw new FST_ERR_WS_CLOSE_REASON()
}
