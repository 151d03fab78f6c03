import type { Duplex } from 'node:stream'
import type { RawServerBase } from 'fastify'
import { Server as TlsServer } from 'node:tls'

/** Lets a server serve a stream as if it had just been accepted. */
export function giveConnection (server: RawServerBase, stream: Duplex): void {
  server.emit(server instanceof TlsServer ? 'secureConnection' : 'connection', stream)
}
