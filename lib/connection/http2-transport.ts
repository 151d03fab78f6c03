import { constants } from 'node:http2'
import type { Http2Stream } from 'node:http2'
import { StreamTransport } from './transport.ts'

/**
 * A transport on a stream of HTTP/2 (RFC 8441 section 5): END_STREAM is its FIN, RST_STREAM with CANCEL its reset. What the peer does not take,
 * flow control holds back, for this stream alone.
 */
export class Http2Transport extends StreamTransport {
  readonly #stream: Http2Stream

  constructor (stream: Http2Stream) {
    super(stream)
    this.#stream = stream
  }

  override destroy (): void {
    if (!this.#stream.closed) this.#stream.close(constants.NGHTTP2_CANCEL)
    super.destroy()
  }
}
