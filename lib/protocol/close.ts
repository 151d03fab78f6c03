import { decodeUtf8 } from './utf8.ts'
import { violation } from './protocol-error.ts'

/** Close codes that this package sends or reports (RFC 6455 section 7.4.1 and the IANA registry). */
export const closeCode = {
  normal: 1000,
  goingAway: 1001,
  protocolError: 1002,
  unsupportedData: 1003,
  /** Never on the wire: the peer's close frame had no code. */
  noStatus: 1005,
  /** Never on the wire: the connection was lost without a close frame. */
  abnormal: 1006,
  invalidPayload: 1007,
  policyViolation: 1008,
  messageTooBig: 1009,
  internalError: 1011,
  tryAgainLater: 1013,
  /** Of those that applications may choose (section 7.4.2), after HTTP's statuses 401 and 408. */
  unauthorized: 4401,
  idle: 4408
} as const

/** The most bytes of UTF-8 that a close reason can have: a control frame's 125 less the code. */
export const maxReasonBytes = 123

const empty = Buffer.alloc(0)

/** How a connection was closed, or is to be closed. */
export interface CloseStatus {
  readonly code: number
  readonly reason: string
}

/** Whether a code may stand in a close frame (RFC 6455 section 7.4; 1012 to 1014 are in the IANA registry). */
export function isSendableCloseCode (code: number): boolean {
  return (code >= 3000 && code <= 4999) ||
    (code >= 1000 && code <= 1014 && code !== 1004 && code !== closeCode.noStatus && code !== closeCode.abnormal)
}

/** As much of a reason as a close frame holds. */
export function truncateReason (reason: string): string {
  const bytes = Buffer.from(reason)
  if (bytes.length <= maxReasonBytes) return reason
  let end = maxReasonBytes
  // Not within a sequence of UTF-8.
  while ((bytes[end] & 0xc0) === 0x80) end--
  return bytes.toString('utf8', 0, end)
}

/** Reads the payload of a close frame (RFC 6455 section 5.5.1). */
export function parseClose (payload: Buffer): CloseStatus {
  if (payload.length === 0) return { code: closeCode.noStatus, reason: '' }
  if (payload.length === 1) throw violation.closePayloadLength()
  const code = payload.readUInt16BE(0)
  if (!isSendableCloseCode(code)) throw violation.invalidCloseCode()
  const reason = decodeUtf8(payload.subarray(2))
  if (reason === null) throw violation.invalidUtf8()
  return { code, reason }
}

/** The payload of a close frame; 1005 stands for none. */
export function encodeClose (code: number, reason: string): Buffer {
  if (code === closeCode.noStatus) return empty
  const payload = Buffer.allocUnsafe(2 + Buffer.byteLength(reason))
  payload.writeUInt16BE(code, 0)
  payload.write(reason, 2)
  return payload
}
