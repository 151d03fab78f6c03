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
