/** A violation of RFC 6455 by the peer, with the close code that answers it (section 7.4.1). */
export class ProtocolError extends Error {
  readonly code: string
  readonly closeCode: number

  constructor (code: string, message: string, closeCode: number) {
    super(message)
    this.name = 'ProtocolError'
    this.code = code
    this.closeCode = closeCode
  }
}

function kind (code: string, closeCode: number, message: string): () => ProtocolError {
  return () => new ProtocolError(code, message, closeCode)
}

/** Every way in which a peer can violate the framing, named so that a check is one line: `throw violation.reservedBits()`. */
export const violation = {
  reservedBits: kind('FST_ERR_WS_RESERVED_BITS', 1002, 'a reserved bit is set'),
  reservedOpcode: kind('FST_ERR_WS_RESERVED_OPCODE', 1002, 'reserved opcode'),
  unmasked: kind('FST_ERR_WS_UNMASKED', 1002, 'a client must mask its frames'),
  masked: kind('FST_ERR_WS_MASKED', 1002, 'a server must not mask its frames'),
  controlFragmented: kind('FST_ERR_WS_CONTROL_FRAGMENTED', 1002, 'a control frame must not be fragmented'),
  controlTooLong: kind('FST_ERR_WS_CONTROL_TOO_LONG', 1002, 'a control frame has at most 125 bytes'),
  lengthNotMinimal: kind('FST_ERR_WS_LENGTH_NOT_MINIMAL', 1002, 'a length must use the fewest bytes'),
  lengthTopBit: kind('FST_ERR_WS_LENGTH_TOP_BIT', 1002, 'the top bit of a 64-bit length must be 0'),
  unexpectedContinuation: kind('FST_ERR_WS_UNEXPECTED_CONTINUATION', 1002, 'a continuation without a message to continue'),
  expectedContinuation: kind('FST_ERR_WS_EXPECTED_CONTINUATION', 1002, 'a new message inside a fragmented one'),
  closePayloadLength: kind('FST_ERR_WS_CLOSE_PAYLOAD', 1002, 'a close payload has 0 or at least 2 bytes'),
  invalidCloseCode: kind('FST_ERR_WS_INVALID_CLOSE_CODE', 1002, 'this close code must not be sent'),
  invalidUtf8: kind('FST_ERR_WS_INVALID_UTF8', 1007, 'text must be valid UTF-8'),
  corruptDeflate: kind('FST_ERR_WS_CORRUPT_DEFLATE', 1007, 'the compressed message is corrupt'),
  tooManyFinalBlocks: kind('FST_ERR_WS_FINAL_BLOCKS', 1008, 'the compressed message has too many final blocks for its size'),
  messageTooBig: kind('FST_ERR_WS_MESSAGE_TOO_BIG', 1009, 'the message is larger than maxPayload')
} as const
