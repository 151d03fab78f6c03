/** What arrives in, or leaves as, one WebSocket message: a text message is a `string`, a binary one a `Buffer`. */
export type Payload = string | Buffer

/**
 * Turns the payload of a message into a value, and a value into a payload.
 *
 * `decode` may throw: the message is then answered as invalid and the handler never sees it.
 */
export interface Codec {
  /** A value from the payload of one message. It is given a `Buffer` when `binary` is true, else a `string`. */
  decode (payload: Payload): unknown
  /** The payload of one message from a value. */
  encode (value: unknown): Payload
  /** Whether messages of this codec are binary (opcode 2) or text (opcode 1). */
  binary: boolean
  /** What documents call it. Default: `application/octet-stream`, or `text/plain` where it is text. */
  contentType?: string
}

/** `json` parses and serializes; `raw` hands through strings and Buffers as they are. */
export type CodecName = 'json' | 'raw'

/** One codec for the route, or one for each subprotocol: the negotiated `Sec-WebSocket-Protocol` chooses. */
export type CodecOption = CodecName | Codec | { readonly [subprotocol: string]: CodecName | Codec }
