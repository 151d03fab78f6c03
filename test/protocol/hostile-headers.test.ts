import t from 'tap'
import { parseExtensions } from '../../lib/protocol/extensions.ts'
import { asksForWebSocket, checkRequest, mayLackHeaders, readUpgrade } from '../../lib/protocol/handshake.ts'
import type { HandshakeHeaders } from '../../lib/protocol/handshake.ts'
import { HandshakeError, isToken } from '../../lib/protocol/handshake-error.ts'
import { agreeOnDeflate } from '../../lib/protocol/permessage-deflate.ts'

const good: HandshakeHeaders = { host: 'example.com', 'sec-websocket-version': '13', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' }

function faultOf (headers: HandshakeHeaders): string | null {
  return caught(() => { readUpgrade('1.1', { ...good, ...headers }) })
}

function caught (check: () => void): string | null {
  try {
    check()
    return null
  } catch (error) {
    if (!(error instanceof HandshakeError)) throw error
    return error.fault
  }
}

/* Host. */

t.test('Host is a name or an address, perhaps with a port', async t => {
  const hosts = [
    'example.com', 'EXAMPLE.com', 'example.com.', 'example.com:80', 'example.com:', 'localhost', 'a_b', 'xn--bcher-kva.example', '127.0.0.1:3000',
    '[::1]', '[::1]:3000', '[fe80::1%25eth0]', '[v1.fe80::a]', "!$&'()*+,;=", '%41'
  ]
  for (const host of hosts) t.equal(faultOf({ host }), null, host)
})

t.test('anything else is refused', async t => {
  const hosts = [
    '', ' ', 'a b', 'a, b', 'user@example.com', 'user:secret@example.com', 'example.com/path', '/', 'http://example.com', 'example.com?x', 'example.com#x',
    'example.com\\x', 'example.com:80:80', 'example.com:port', ':80', '::1', '[::1', '::1]', '[]', '[::1]x', '[::1]]', 'a[b]', '<a>', '"a"', 'a|b', 'a^b', 'a`b', '{a}',
    'b\u00fccher.example', 'a\u0000', 'a\u007f', 'a\tb', 'a\n', '\uff21.example'
  ]
  for (const host of hosts) t.equal(faultOf({ host }), 'http', JSON.stringify(host))
  t.equal(faultOf({ host: ['example.com'] }), 'http', 'a list')
})

t.test('Host must stand once, however it is spelled', async t => {
  for (const names of [['Host', 'Host'], ['host', 'HOST'], ['X', 'hOsT', 'Y', 'Host']]) {
    t.equal(caught(() => checkRequest('/', names.flatMap(name => [name, 'a']))), 'http', names.join())
  }
  for (const names of [[], ['Host'], ['Host', 'X-Host', 'Hosts', 'Hos']]) {
    t.equal(caught(() => checkRequest('/', names.flatMap(name => [name, 'a']))), null, names.join())
  }
})

t.test('host as a value is no Host header', async t => {
  t.equal(caught(() => checkRequest('/', ['Host', 'host', 'X', 'host'])), null)
})

t.test('the target is a URL, not *', async t => {
  t.equal(caught(() => checkRequest('*', [])), 'http')
  for (const target of ['/', '/*', 'http://example.com/', undefined]) t.equal(caught(() => checkRequest(target, [])), null)
})

/* Headers that Node may have dropped. */

const headers = (count: number): string[] => Array.from({ length: count }, () => ['a', '']).flat()

t.test('as many headers as Node keeps may not be all', async t => {
  for (const limit of [null, undefined]) {
    t.same([0, 1, 999, 1000, 1001].map(count => mayLackHeaders(headers(count), limit)), [false, false, false, true, true])
  }
})

t.test('a limit of the server\'s own counts instead', async t => {
  t.same([7, 8, 9].map(count => mayLackHeaders(headers(count), 8)), [false, true, true])
  t.equal(mayLackHeaders(headers(1999), 2000), false)
})

t.test('a server without a limit drops none', async t => {
  t.equal(mayLackHeaders(headers(5000), 0), false)
})

/* Lengths. */

/** So long that even a quadratic judge would not be done within the test's time. */
const size = 2 ** 20

const fill = (piece: string): string => piece.repeat(Math.floor(size / piece.length))

const shapes = {
  commas: fill(','),
  spaces: fill(' '),
  tabs: fill('\t'),
  quotes: fill('"'),
  'escaped quotes': `"${fill('\\"')}`,
  backslashes: fill('\\'),
  semicolons: fill(';'),
  'parameters without a name': fill(';='),
  'white space around commas': fill(' \t,\t '),
  'white space within a word': `a${fill(' ')}a`,
  'words, white space and commas': fill('a , '),
  'a long name': fill('a'),
  labels: fill('a.'),
  'ports without an end': `a${fill(':80')}`,
  'a long port': `a:${fill('0')}`,
  'brackets that open': fill('['),
  'an address without an end': `[${fill(':')}`,
  'base64 without an end': fill('dGhl'),
  'base64 and nothing but padding': fill('='),
  'almost websocket': fill('websocke,'),
  'almost 13': fill('13 '),
  extensions: fill('permessage-deflate; client_max_window_bits="15", '),
  'bytes beyond ASCII': fill('\u00ff')
}

for (const [shape, start] of Object.entries(shapes)) {
  t.test(`1 MiB of ${shape} is refused in every header that counts, in linear time`, async t => {
    // What no header may have stands at the very end.
    const header = `${start} /`
    t.same({
      asks: asksForWebSocket('GET', { upgrade: header }),
      host: faultOf({ host: header }),
      version: faultOf({ 'sec-websocket-version': header }),
      key: faultOf({ 'sec-websocket-key': header }),
      protocols: faultOf({ 'sec-websocket-protocol': header }),
      extensions: faultOf({ 'sec-websocket-extensions': header }),
      length: faultOf({ 'content-length': header }),
      token: isToken(header)
    }, { asks: false, host: 'http', version: 'version', key: 'key', protocols: 'protocol', extensions: 'extension', length: 'body', token: false })
  })
}

t.test('a list of very many websockets asks for one', async t => {
  t.ok(asksForWebSocket('GET', { upgrade: fill('h2c,') + 'websocket' }))
})

t.test('very many subprotocols are read, and a twin among them is found', async t => {
  const names = Array.from({ length: size / 8 }, (_, i) => `p${i}`)
  t.equal(readUpgrade('1.1', { ...good, 'sec-websocket-protocol': names.join(', ') }).protocols.length, names.length)
  t.equal(faultOf({ 'sec-websocket-protocol': [...names, 'p0'].join(',') }), 'protocol')
})

const preference = { contextTakeover: false, windowBits: 12 }

t.test('very many offers, parameters and quoted characters are read in linear time', async t => {
  const offers = {
    offers: fill('permessage-deflate; x, '),
    parameters: `permessage-deflate${fill('; client_max_window_bits')}`,
    'distinct parameters': `permessage-deflate${Array.from({ length: size / 8 }, (_, i) => `;p${i}`).join('')}`,
    'a quoted value': `permessage-deflate; x="${fill('a')}"`,
    'escaped characters': `permessage-deflate; x="${fill('\\a')}"`,
    'empty elements': `${fill(' ,\t')}permessage-deflate; x`
  }
  for (const [what, header] of Object.entries(offers)) {
    t.equal(agreeOnDeflate(readUpgrade('1.1', { ...good, 'sec-websocket-extensions': header }).extensions, preference), null, what)
    t.equal(agreeOnDeflate(parseExtensions(`${header}, permessage-deflate`), preference)?.parameters.clientNoContextTakeover, true, `${what}, and a good offer`)
  }
})

/* Names that every object has. */

const inherited = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', 'prototype']

t.test('names that every object has are tokens like others', async t => {
  t.same(readUpgrade('1.1', { ...good, 'sec-websocket-protocol': inherited.join(',') }).protocols, inherited)
  t.equal(faultOf({ 'sec-websocket-protocol': '__proto__, chat, __proto__' }), 'protocol')
})

t.test('extensions and parameters by such names are declined, and the next offer counts', async t => {
  for (const name of inherited) {
    for (const offer of [name, `${name}; ${name}=15`, `permessage-deflate; ${name}`, `permessage-deflate; ${name}="15"`, `permessage-deflate; client_max_window_bits=${name}`]) {
      t.equal(agreeOnDeflate(parseExtensions(offer), preference), null, offer)
      t.ok(agreeOnDeflate(parseExtensions(`${offer}, permessage-deflate`), preference) !== null, `${offer}, and a good one`)
    }
  }
})

t.test('headers by such names change nothing', async t => {
  const headers = Object.fromEntries(inherited.map(name => [name, 'x']))
  t.equal(faultOf(headers), null)
  t.notOk(asksForWebSocket('GET', headers))
})
