import { mutate } from './mutations.ts'
import { text } from './payloads.ts'
import type { Random } from './random.ts'

/** The lines of a good handshake; the key is that of RFC 6455 section 1.3. */
const good: ReadonlyArray<readonly [name: string, value: string]> = [
  ['Host', '127.0.0.1'],
  ['Connection', 'Upgrade'],
  ['Upgrade', 'websocket'],
  ['Sec-WebSocket-Version', '13'],
  ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ==']
]

/** Values of each header, right and wrong, that have been trouble somewhere. */
const values: Readonly<Record<string, readonly string[]>> = {
  host: ['', 'localhost', '127.0.0.1:80', 'a, b', '[::1]', '%00', 'a\u00a0b'],
  connection: ['upgrade', 'keep-alive, Upgrade', 'Upgrade, close', 'close', 'keep-alive', '', ',,Upgrade,,', 'upgrade;x'],
  upgrade: ['WebSocket', 'websocket, h2c', 'h2c, websocket', 'h2c', 'websocket/13', ' ,websocket, ', 'webſocket', 'websocket\t', '', 'TLS/1.0'],
  'sec-websocket-version': ['12', '14', '013', '13.0', ' 13', '+13', '13, 8', '8, 13', '0xd', '13;', '١٣', '', '1e1', '256'],
  'sec-websocket-key': [
    '', 'dGhlIHNhbXBsZSBub25jZR==', 'dGhlIHNhbXBsZSBub25jZQ=', 'dGhlIHNhbXBsZSBub25jZQ', 'dGhlIHNhbXBsZSBub25j', 'dGhlIHNhbXBsZSBub25jZ_==',
    'dGhlIHNhbXBsZSBub25jZQ== ', 'dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ==', '======================', 'AAAAAAAAAAAAAAAAAAAAAA=='
  ],
  'sec-websocket-protocol': [
    'chat', 'chat, json', 'json, chat', 'chat,chat', '', ',', ', chat ,', '__proto__', 'constructor, toString', 'cha t', 'chat;q=1', '"chat"', 'ch\u00e9t', 'a,'.repeat(200)
  ],
  'sec-websocket-extensions': [
    'permessage-deflate', 'permessage-deflate; client_max_window_bits', 'permessage-deflate; server_max_window_bits=8; server_no_context_takeover',
    'permessage-deflate; client_max_window_bits="15"', 'permessage-deflate; server_max_window_bits=08', 'permessage-deflate; x=', 'permessage-deflate;;', ';',
    'permessage-deflate; client_max_window_bits=16, permessage-deflate', 'x-webkit-deflate-frame, permessage-deflate', '__proto__; constructor=prototype',
    'permessage-deflate; client_no_context_takeover; client_no_context_takeover', 'permessage-deflate; client_max_window_bits="1\\0"', 'a="', 'a="\\', ''
  ],
  origin: ['http://127.0.0.1', 'http://evil.example', 'null', '', 'http://', 'http://127.0.0.1@evil.example', 'file://', '//', 'http://[::1'],
  'content-length': ['0', '00', '5', '-1', '+0', '0, 0', '18446744073709551616', 'x', ''],
  'transfer-encoding': ['chunked', 'identity', 'chunked, chunked', 'xchunked', ''],
  expect: ['100-continue', 'x'],
  'x-long': ['x'],
  cookie: ['a=b; c=d', '__proto__=x'],
  ['__proto__']: ['x'],
  constructor: ['x']
}

/** Header lines of a handshake: right ones, with some left out, repeated, moved, changed in casing or value. `longest` bounds a value. */
export function headerLines (random: Random, longest: number): Buffer[] {
  const lines = good.map(([name, value]) => [name, value])
  for (let i = random.weighted([[4, 0], [6, 1], [3, 2], [2, random.between(3, 6)]]); i > 0; i--) {
    const at = random.below(lines.length + 1)
    const name = random.pick(Object.keys(values))
    random.pick<() => void>([
      () => lines.splice(at, 1),
      () => lines.splice(at, 0, [name, random.pick(values[name])]),
      () => lines.splice(at, 0, [name, random.pick(values[name])]),
      () => { if (at < lines.length) lines[at] = [lines[at][0], random.pick(values[lines[at][0].toLowerCase()] ?? [''])] },
      () => { if (at < lines.length) lines.push(lines[at]) },
      () => { lines.reverse() },
      () => { if (at < lines.length) lines[at] = [random.oneIn(2) ? lines[at][0].toUpperCase() : lines[at][0].toLowerCase(), lines[at][1]] },
      () => lines.splice(at, 0, [name, long(random, random.below(longest))]),
      () => { if (at < lines.length) lines[at] = mutated(random, lines[at]) }
    ])()
  }
  return lines.map(line => Buffer.from(line.join(': '), 'latin1'))
}

/** Long values of shapes that take careless readers more than linear time. */
function long (random: Random, length: number): string {
  const part = random.pick([',', ' ', '\t', ', ', 'a,', ' ,\t', '"', '\\"', ';', 'a;', 'a=', 'x', '=', text(random, 20)])
  return part.repeat(Math.ceil(length / Math.max(1, part.length))).slice(0, length)
}

function mutated (random: Random, line: readonly string[]): string[] {
  const text = mutate(random, Buffer.from(line.join(': '), 'latin1')).toString('latin1')
  const [name, ...rest] = text.split(': ')
  return [name, rest.join(': ')]
}
