import type { FastifyServerOptions } from 'fastify'
import t from 'tap'
import type { Test } from 'tap'

/** Which HTTP the tests of connections run over. They run twice: test/connection-over-http2.test.ts sets `TEST_HTTP=2`. */
export const isHttp2 = process.env.TEST_HTTP === '2'

/** What makes a Fastify server of that version; HTTP/2 is in cleartext, by prior knowledge. */
export const versionOptions: FastifyServerOptions = isHttp2 ? { http2: true } as object : {}

/** What a handshake is accepted with: switching protocols, or a success that opens the tunnel (RFC 8441 section 4). */
export const acceptStatus = isHttp2 ? 200 : 101

/** What a version of the protocol that nobody speaks is refused with: HTTP/2 has no upgrades to require. */
export const wrongVersionStatus = isHttp2 ? 400 : 426

/** A test of what only HTTP/1.1 has, such as its bytes or what its sockets count: it is not part of the run over HTTP/2. */
export function http1Test (title: string, body: (t: Test) => Promise<void>): void {
  if (!isHttp2) void t.test(title, body)
}

/** What a plain GET of a WebSocket's URL is refused with. */
export const connectRequiredStatus = isHttp2 ? 405 : 426

/** What a handshake with a URL of REST is replied to with: over HTTP/2 that can't be a success, which would open the tunnel. */
export function restReply<Reply> (reply: Reply): Reply | number {
  return isHttp2 ? 405 : reply
}

/** The `connection` header of a last reply: HTTP/2 has none, and ends the stream alone. */
export const lastReply = isHttp2 ? undefined : 'close'

/** What a paused connection may have read ahead at most, in bytes: a stream of HTTP/2 a window of its flow control, and what Node had read before. */
export const readAhead = isHttp2 ? 96 * 1024 : 0

/** Whether what is written is taken at once, as a socket does: a stream takes more when that has been sent. */
export const takesWritesAtOnce = !isHttp2
