import { clientFrames, fragmentsOf, masked } from './frames.ts'
import { jsonText } from './json.ts'
import { mutate } from './mutations.ts'
import type { Random } from './random.ts'
import { headerLines } from './requests.ts'

/** The routes of the server whose handshake is a good one in most cases. */
export const routes = ['/echo', '/small', '/async', '/protocols', '/json'] as const

export type Route = typeof routes[number]

/** A good handshake. */
export function requestFor (route: string, more: readonly string[] = []): Buffer {
  return Buffer.from([
    `GET ${route} HTTP/1.1`, 'Host: 127.0.0.1', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', ...more, '', ''
  ].join('\r\n'))
}

/** What one client sends: the bytes of its request, or requests, and then frames. */
export function session (random: Random): Buffer[] {
  return random.weighted<() => Buffer[]>([
    [6, () => [requestFor(random.pick(['/echo', '/echo', '/small', '/async', '/protocols'])), ...clientFrames(random)]],
    [6, () => [requestFor('/json'), ...jsonFrames(random)]],
    [2, () => [late(random), ...clientFrames(random)]],
    [6, () => [hostileRequest(random), ...(random.oneIn(2) ? clientFrames(random) : [])]],
    [1, () => [mutate(random, requestFor(random.pick(routes))), ...clientFrames(random)]]
  ])()
}

function jsonFrames (random: Random): Buffer[] {
  const frames = []
  for (let i = random.between(1, random.oneIn(10) ? 40 : 6); i > 0; i--) {
    const payload = Buffer.from(jsonText(random))
    const bytes = random.oneIn(12) ? mutate(random, payload) : payload
    const fragments = random.oneIn(4) ? fragmentsOf(random, bytes) : [bytes]
    const opcode = random.oneIn(30) ? 2 : 1
    fragments.forEach((fragment, index) => {
      frames.push(masked(random, { opcode: index === 0 ? opcode : 0, payload: fragment, fin: index === fragments.length - 1 }))
    })
    if (random.oneIn(8)) frames.push(masked(random, { opcode: 9, payload: 'ping' }))
  }
  if (random.oneIn(3)) frames.push(masked(random, { opcode: 8, payload: Buffer.from([3, 232]) }))
  return frames
}

/** A good handshake that is answered later, since its route or a request before it takes time. */
function late (random: Random): Buffer {
  const slow = Buffer.from('GET /slow-rest HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
  return random.oneIn(2) ? requestFor('/late') : Buffer.concat([slow, requestFor(random.pick(['/echo', '/late', '/unknown']))])
}

/** Requests of all shapes, some behind others on the same connection. */
function hostileRequest (random: Random): Buffer {
  const before = random.list(random.weighted([[5, 0], [2, 1], [1, random.between(2, 4)]]), () => plainRequest(random))
  const path = random.weighted([
    [10, random.pick(routes)],
    [2, '/late'],
    [2, random.pick(['/rest', '/unknown', '/', '*', '/echo?x=%ff', '/echo#x', '//echo', '/echo/', '/%65cho', 'http://127.0.0.1/echo', '/../echo', '/\u00e9'])],
    [1, `/${'x'.repeat(random.below(20_000))}`]
  ])
  const method = random.weighted([[12, 'GET'], [1, 'POST'], [1, 'HEAD'], [1, 'OPTIONS'], [1, 'get'], [1, 'CONNECT']])
  const version = random.weighted([[12, 'HTTP/1.1'], [1, 'HTTP/1.0'], [1, 'HTTP/2.0'], [1, 'HTTP/1.10'], [1, '']])
  const lines = [Buffer.from(`${method} ${path} ${version}`, 'latin1'), ...headerLines(random, random.oneIn(10) ? 20_000 : 300)]
  if (random.oneIn(30)) lines.push(...random.list(random.between(100, 3000), index => Buffer.from(`x${index}: y`)))
  const end = random.oneIn(15) ? '\n' : '\r\n'
  const bytes = Buffer.concat([...before, ...lines.map(line => Buffer.concat([line, Buffer.from(end)])), Buffer.from(random.oneIn(30) ? '' : end)])
  return random.oneIn(8) ? mutate(random, bytes) : bytes
}

function plainRequest (random: Random): Buffer {
  const host = 'Host: 127.0.0.1\r\n'
  return Buffer.from(random.pick([
    `GET /slow-rest HTTP/1.1\r\n${host}\r\n`,
    `GET /rest HTTP/1.1\r\n${host}\r\n`,
    `GET /echo HTTP/1.1\r\n${host}\r\n`,
    `HEAD /rest HTTP/1.1\r\n${host}\r\n`,
    `GET /json HTTP/1.1\r\n${host}\r\n`,
    `GET /rest HTTP/1.1\r\n${host}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n`,
    `POST /rest HTTP/1.1\r\n${host}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`,
    `POST /rest HTTP/1.1\r\n${host}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
    `POST /rest HTTP/1.1\r\n${host}Content-Type: application/json\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\n{}`
  ]))
}
