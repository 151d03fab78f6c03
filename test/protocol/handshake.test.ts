import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import type { Test } from 'tap'
import { acceptValue, asksForWebSocket, readConnect, readUpgrade } from '../../lib/protocol/handshake.ts'
import { HandshakeError, isToken } from '../../lib/protocol/handshake-error.ts'
import type { HandshakeHeaders } from '../../lib/protocol/handshake.ts'
import type { HandshakeFault } from '../../lib/protocol/handshake-error.ts'
import { holds } from '../helpers/property.ts'

const key = 'dGhlIHNhbXBsZSBub25jZQ=='
const good: HandshakeHeaders = { host: 'example.com', 'sec-websocket-version': '13', 'sec-websocket-key': key }

function faultOf (headers: HandshakeHeaders, httpVersion = '1.1'): HandshakeFault | null {
  try {
    readUpgrade(httpVersion, { ...good, ...headers })
    return null
  } catch (error) {
    if (!(error instanceof HandshakeError)) throw error
    return error.fault
  }
}

function refuses (t: Test, headers: HandshakeHeaders, fault: HandshakeFault, httpVersion = '1.1'): void {
  t.equal(faultOf(headers, httpVersion), fault, JSON.stringify(headers).slice(0, 60))
}

function protocolsOf (header: string | string[] | undefined): readonly string[] {
  return readUpgrade('1.1', { ...good, 'sec-websocket-protocol': header }).protocols
}

t.test('computes the accept value of section 1.3', async t => {
  t.equal(acceptValue(key), 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=')
})

t.test('reads a handshake without subprotocols', async t => {
  t.same(readUpgrade('1.1', good), { key, protocols: [], extensions: [] })
})

t.test('a GET whose Upgrade header is websocket, in any case, asks for one', async t => {
  for (const upgrade of ['websocket', 'WebSocket', 'WEBSOCKET']) t.ok(asksForWebSocket('GET', { upgrade }))
})

t.test('websocket may stand anywhere in a list', async t => {
  for (const upgrade of ['h2c, websocket', 'websocket,h2c', ', ,\twebsocket ,']) t.ok(asksForWebSocket('GET', { upgrade }))
})

t.test('anything else does not ask for a WebSocket', async t => {
  for (const upgrade of [undefined, '', 'h2c', 'websockets', 'web socket', 'xwebsocket', 'websocket;q=1', 'websocket\u00a0']) {
    t.notOk(asksForWebSocket('GET', { upgrade }), String(upgrade))
  }
})

t.test('another method than GET, which is case-sensitive, does not ask for a WebSocket', async t => {
  for (const method of ['POST', 'HEAD', 'CONNECT', 'OPTIONS', 'get', undefined]) {
    t.notOk(asksForWebSocket(method, { upgrade: 'websocket' }), String(method))
  }
})

t.test('HTTP must be 1.1', async t => {
  for (const version of ['1.0', '0.9', '2.0', '']) refuses(t, {}, 'http', version)
})

t.test('there must be a Host header', async t => {
  refuses(t, { host: undefined }, 'http')
})

t.test('the version must be 13, written exactly so', async t => {
  const versions = [undefined, '', '8', '12', '14', '013', '13.0', '+13', '13 ', '13, 13', '13, 8', '0x0d', '１３']
  for (const version of versions) refuses(t, { 'sec-websocket-version': version }, 'version')
  refuses(t, { 'sec-websocket-version': ['13'] }, 'version')
})

t.test('the key must be the base64 of 16 bytes', async t => {
  const keys = {
    missing: undefined,
    empty: '',
    'of 15 bytes': Buffer.alloc(15).toString('base64'),
    'of 17 bytes': Buffer.alloc(17).toString('base64'),
    'of 18 bytes': Buffer.alloc(18).toString('base64'),
    'without padding': key.slice(0, -2),
    'with half of the padding': key.slice(0, -1),
    'with more padding': `${key}=`,
    'in base64url': '--__'.repeat(5) + 'AA==',
    'with a space inside': 'dGhlIHNhbXBsZSBub25j Q==',
    'with a line feed behind': `${key}\n`,
    'with a space before': ` ${key}`,
    'with a letter that is not ASCII': 'dGhlIHNhbXBsZSBub25jé Q=='.replace(' ', ''),
    twice: `${key}, ${key}`
  }
  for (const [what, value] of Object.entries(keys)) {
    t.equal(faultOf({ 'sec-websocket-key': value }), 'key', what)
  }
  refuses(t, { 'sec-websocket-key': [key] }, 'key')
})

t.test('the spare bits of the key must be zero', async t => {
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  const accepted = [...digits].filter(digit => faultOf({ 'sec-websocket-key': `dGhlIHNhbXBsZSBub25jZ${digit}==` }) === null)
  t.same(accepted, ['A', 'Q', 'g', 'w'])
})

t.test('any 16 bytes make a key', async t => {
  holds(t, fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), bytes => {
    const key = Buffer.from(bytes).toString('base64')
    assert.equal(readUpgrade('1.1', { ...good, 'sec-websocket-key': key }).key, key)
  }))
})

t.test('a body is refused', async t => {
  refuses(t, { 'content-length': '1' }, 'body')
  refuses(t, { 'content-length': '65536' }, 'body')
  refuses(t, { 'transfer-encoding': 'chunked' }, 'body')
  refuses(t, { 'transfer-encoding': '' }, 'body')
})

t.test('a content length of 0 is no body', async t => {
  t.equal(readUpgrade('1.1', { ...good, 'content-length': '0' }).key, key)
})

t.test('over HTTP/2 any content length is refused, since the frames that follow would break it', async t => {
  const connect = { ':authority': 'example.com', ':scheme': 'https', 'sec-websocket-version': '13' }
  t.same(readConnect(connect), { protocols: [], extensions: [] })
  for (const length of ['0', '1', '']) t.throws(() => readConnect({ ...connect, 'content-length': length }), HandshakeError, length)
})

t.test('reads subprotocols in the client\'s order', async t => {
  t.same(protocolsOf('chat'), ['chat'])
  t.same(protocolsOf('superchat, chat,v2.json'), ['superchat', 'chat', 'v2.json'])
})

t.test('empty elements and white space around elements do not count', async t => {
  t.same(protocolsOf(', ,chat,,\t json \t,'), ['chat', 'json'])
})

t.test('a header on several lines is one list', async t => {
  t.same(protocolsOf(['chat, json', 'msgpack']), ['chat', 'json', 'msgpack'])
})

t.test('subprotocols are case-sensitive', async t => {
  t.same(protocolsOf('chat, Chat'), ['chat', 'Chat'])
})

t.test('a subprotocol named twice is refused', async t => {
  refuses(t, { 'sec-websocket-protocol': 'chat, json, chat' }, 'protocol')
  refuses(t, { 'sec-websocket-protocol': ['chat', 'chat'] }, 'protocol')
})

t.test('a list without elements is refused', async t => {
  for (const list of ['', ' ', ',', ' , ,\t']) refuses(t, { 'sec-websocket-protocol': list }, 'protocol')
})

t.test('what is not a token is refused', async t => {
  const lists = ['a b', 'a;b', '"chat"', 'chat/1', 'chat, (x)', 'a=b', 'é', 'a\u007f', 'a\u0000', '[v]', '{v}', 'a:b', 'a@b', 'a?b', 'a\\b', '<a>']
  for (const list of lists) refuses(t, { 'sec-websocket-protocol': list }, 'protocol')
})

t.test('only spaces and tabs are white space', async t => {
  for (const space of ['\u00a0', '\u000b', '\u000c', '\ufeff', '\u0085']) {
    refuses(t, { 'sec-websocket-protocol': `chat${space}` }, 'protocol')
    refuses(t, { 'sec-websocket-protocol': `${space}, chat` }, 'protocol')
  }
})

t.test('the characters of a token are those of RFC 9110', async t => {
  const accepted = [...Array(256).keys()].map(code => String.fromCharCode(code)).filter(isToken).join('')
  t.equal(accepted, "!#$%&'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz|~")
  t.notOk(isToken(''))
  t.notOk(isToken('chat\n'))
})

t.test('any list of tokens is read back, whatever stands between them', async t => {
  const token = fc.stringMatching(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,12}$/)
  const separator = fc.stringMatching(/^[ \t]{0,3}(,[ \t]{0,3}){1,3}$/)
  holds(t, fc.property(fc.uniqueArray(token, { minLength: 1, maxLength: 8 }), fc.array(separator, { minLength: 8, maxLength: 8 }), (tokens, separators) => {
    const list = tokens.map((token, i) => token + (i < tokens.length - 1 ? separators[i] : '')).join('')
    assert.deepEqual(protocolsOf(list), tokens)
  }))
})

const size = 64 * 1024

/** What would take hours if any part of the grammar were quadratic or worse: each must simply complete. */
const adversarial = {
  commas: ','.repeat(size),
  spaces: ' '.repeat(size),
  'spaces before a word': ' '.repeat(size) + 'x',
  'spaces inside a word': 'x' + ' '.repeat(size) + 'x',
  'commas and spaces': ', \t'.repeat(size / 3),
  'one long token': 'a'.repeat(size),
  'one long token that fails at its end': 'a'.repeat(size) + '"',
  'many tokens': Array.from({ length: size / 8 }, (_, i) => `t${i}`).join(','),
  'many equal tokens': 'a,'.repeat(size / 2),
  quotes: '"'.repeat(size),
  backslashes: '"' + '\\"'.repeat(size / 2)
}

/** Those of them that are lists all the same. */
const lists = ['spaces before a word', 'one long token', 'many tokens']

for (const [what, header] of Object.entries(adversarial)) {
  t.test(`64 KiB of ${what} are judged in linear time`, async t => {
    t.type(asksForWebSocket('GET', { upgrade: header }), 'boolean')
    refuses(t, { 'sec-websocket-key': header }, 'key')
    refuses(t, { 'sec-websocket-version': header }, 'version')
    if (lists.includes(what)) t.ok(protocolsOf(header).length > 0)
    else refuses(t, { 'sec-websocket-protocol': header }, 'protocol')
  })
}
