import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { connect, constants } from 'node:http2'
import type { ServerHttp2Session } from 'node:http2'
import type { Duplex, Readable } from 'node:stream'
import type { RawServerBase } from 'fastify'
import { giveConnection } from './give-connection.ts'
import { MemorySocket } from './memory-socket.ts'

/** What a test connection is opened to. */
export interface InjectTarget {
  readonly server: RawServerBase
  readonly path: string
  readonly chunkSize: number
  readonly remoteAddress: string
}

type RequestHeaders = Record<string, string | readonly string[]>

/** What the server answered. */
export interface Answer {
  readonly statusCode: number
  readonly headers: IncomingHttpHeaders
  /** What carries messages from here on; null where the handshake was refused. */
  readonly socket: Duplex | null
  /** What followed the answer. */
  readonly head: Buffer
  /** Of the refusal. */
  readonly body: Buffer
}

const nothing = Buffer.alloc(0)

/** A request to upgrade (RFC 6455 section 4.1). */
export async function connectHttp1 ({ server, path, chunkSize, remoteAddress }: InjectTarget, headers: RequestHeaders): Promise<Answer> {
  const pair = MemorySocket.pair(chunkSize, remoteAddress)
  pair.client.on('error', ignore)
  giveConnection(server, pair.server)
  const request = httpRequest({
    path,
    headers: {
      host: 'localhost',
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-key': randomBytes(16).toString('base64'),
      ...headers as Record<string, string>
    },
    createConnection: () => pair.client
  })
  request.end()
  const [response, socket, head] = await new Promise<[response: IncomingMessage, socket: Duplex | null, head: Buffer]>((resolve, reject) => {
    request.on('upgrade', (response, socket, head) => resolve([response, socket, head]))
    request.on('response', response => resolve([response, null, nothing]))
    request.on('error', reject)
  })
  const { statusCode = 0, headers: answered } = response
  return { statusCode, headers: answered, socket, head, body: socket === null ? await bodyOf(response) : nothing }
}

/** An extended CONNECT (RFC 8441 section 5.1), in a session of its own. */
export async function connectHttp2 ({ server, path, chunkSize, remoteAddress }: InjectTarget, { host = 'localhost', ...headers }: RequestHeaders): Promise<Answer> {
  const pair = MemorySocket.pair(chunkSize, remoteAddress)
  pair.client.on('error', ignore)
  server.once('session', (session: ServerHttp2Session) => {
    session.on('error', ignore)
    // Node wraps what is no socket of the operating system in one that asks this for its address.
    Object.assign(session.socket, { _peername: { address: remoteAddress, port: 0 } })
  })
  giveConnection(server, pair.server)
  const session = connect('http://localhost', { createConnection: () => pair.client })
  session.on('error', ignore)
  await once(session, 'remoteSettings')
  const stream = session.request({
    ':method': 'CONNECT',
    ':protocol': 'websocket',
    ':scheme': 'http',
    ':authority': String(host),
    ':path': path,
    ...headers as Record<string, string>
  })
  stream.on('close', () => session.close())
  const [{ ':status': statusCode = 0, ...answered }] = await once(stream, 'response')
  if (statusCode === constants.HTTP_STATUS_OK) return { statusCode, headers: answered, socket: stream, head: nothing, body: nothing }
  stream.end()
  return { statusCode, headers: answered, socket: null, head: nothing, body: await bodyOf(stream) }
}

/** By events: an iterator would fail over the request's side of a stream, which a server of HTTP/2 may reset behind its reply. */
async function bodyOf (response: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  response.on('data', (chunk: Buffer) => chunks.push(chunk))
  await once(response, 'end')
  return Buffer.concat(chunks)
}

function ignore (): void {}
