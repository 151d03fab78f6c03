import type { Pieces } from './target.ts'

/** An input that once showed a fault, of the library or of an oracle: replayed by every test. */
export interface Vector {
  readonly title: string
  readonly target: string
  /** What else the case did, such as the cuts, comes out of these. */
  readonly seed: number
  readonly number: number
  readonly pieces: Pieces
}

const hex = (...pieces: string[]): Pieces => pieces.map(piece => Buffer.from(piece.replace(/\s/g, ''), 'hex'))
const upgrade = 'Host: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'

/** The handshake of a deflate route. */
function offering (route: string, offer: string): Buffer {
  return Buffer.from(`GET ${route} HTTP/1.1\r\n${upgrade}Sec-WebSocket-Extensions: ${offer}\r\n\r\n`)
}

/** A whole compressed message of fewer than 126, or of up to 65,535, bytes, with a key of zeros. */
function compressed (payload: Buffer): Buffer {
  const header = payload.length < 126 ? Buffer.from([0xc2, 0x80 | payload.length]) : Buffer.from([0xc2, 0xfe, payload.length >> 8, payload.length & 0xff])
  return Buffer.concat([header, Buffer.alloc(4), payload])
}

/** Empty final blocks, and the byte that follows the last one (RFC 7692 section 7.2.3.4). */
function finals (count: number): Buffer {
  return Buffer.concat([Buffer.from('0300'.repeat(count), 'hex'), Buffer.alloc(1)])
}

export const vectors: readonly Vector[] = [
  {
    title: 'a length with the top bit in a continuation of nothing: ws sees the opcode first',
    target: 'ws-oracle',
    seed: 1,
    number: 5094,
    pieces: hex('80ff ffffffffffffffd0 6fb04a56 16')
  },
  {
    title: 'a length with the top bit whose masking key is still to come: ws has judged it by then',
    target: 'ws-oracle',
    seed: 100,
    number: 29618,
    pieces: hex('0181 bc370d4d dd', '8083 b0724dc6 d1102e', '81ff ffffffffffffffa7 86')
  },
  {
    title: 'the same within a fragmented message',
    target: 'ws-oracle',
    seed: 102,
    number: 20842,
    pieces: hex('0181 66274b81 07', '80ff c6ec16a4f6dd24ed')
  },
  {
    title: 'a request without a Host and with a body: Node answers it by itself, in chunks',
    target: 'server',
    seed: 1,
    number: 1411,
    pieces: [Buffer.from('GET / HTTP/1.1\r\nConnection: Upgrade\r\n\r\n'), Buffer.from([0x04])]
  },
  {
    title: 'a request that never ends, whose client does',
    target: 'server',
    seed: 1,
    number: 275,
    pieces: [Buffer.from('GET /small\nHost: 127.0.0.1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'), ...hex('bb4f969819b95b')]
  },
  {
    title: 'more messages than are read in one turn, a close, and the end of the client',
    target: 'server',
    seed: 600,
    number: 2256,
    pieces: [
      Buffer.from(`GET /echo HTTP/1.1\r\n${upgrade}\r\n`),
      Buffer.concat([...Array<Buffer>(9_000).fill(Buffer.from('818000000000', 'hex')), ...hex('8882 00000000 03e8')])
    ]
  },
  ...[15, 16, 17].map(count => ({
    title: `a compressed message of ${count} final blocks, of which 16 are allowed`,
    target: 'deflate',
    seed: 1,
    number: 27,
    pieces: [offering('/deflate', 'permessage-deflate; server_max_window_bits=12; client_max_window_bits=13'), compressed(finals(count))]
  })),
  {
    title: 'more final blocks than are allowed, and then something that is no deflate',
    target: 'deflate',
    seed: 300,
    number: 4835,
    pieces: [offering('/deflate', 'permessage-deflate'), compressed(Buffer.concat([finals(300), Buffer.from([0x06])]))]
  },
  {
    title: 'a block that goes on beyond the end of the message, and takes what an inflater puts behind it for its own end',
    target: 'deflate',
    seed: 400,
    number: 8054,
    pieces: [
      offering('/deflate-context', 'permessage-deflate; client_no_context_takeover; client_max_window_bits=15'),
      ...hex('c29a 12ffdef7 13e4de13ed1c05de19358df2c7216e93fa0664428ffe21db1096')
    ]
  },
  {
    title: 'a block that ends a bit behind the message, where what an inflater puts there begins with zeros',
    target: 'deflate',
    seed: 501,
    number: 17174,
    pieces: [
      offering('/deflate', 'permessage-deflate; client_max_window_bits'),
      compressed(Buffer.from('4a04000000ffffecc1210100000080a0ffaf7d6102', 'hex'))
    ]
  },
  {
    title: 'a stored block that lacks as many bytes as an inflater puts there, and takes them for its own',
    target: 'deflate',
    seed: 600,
    number: 8348,
    pieces: [
      offering('/deflate-context', 'permessage-deflate; server_max_window_bits=8; client_max_window_bits'),
      compressed(Buffer.from('001b00e4ff61626361626361626361', 'hex'))
    ]
  },
  {
    title: 'a block that goes on beyond the end of a message which is nearly too big: that, or corrupt',
    target: 'deflate',
    seed: 500,
    number: 13061,
    pieces: [
      offering('/deflate', 'permessage-deflate; server_no_context_takeover'),
      ...hex(`c1d6 f86dfd75 14acfc78f86dfdb758c30b7a0973f36d${'f86dfd75'.repeat(15)}f86dfd85de6dfd750792`, '4282 47cbd024 0d81')
    ]
  },
  {
    title: 'a message that waits until a large one is compressed, and a violation behind it',
    target: 'deflate',
    seed: 1,
    number: 140,
    pieces: [
      offering('/deflate', 'permessage-deflate'),
      Buffer.concat([...hex('82feea60 00000000'), Buffer.alloc(60_000, 'b')]),
      ...hex('8187 00000000 61616161616161'),
      ...hex('b180 00000000')
    ]
  }
]
