import t from 'tap'
import { readConnect } from '../../lib/protocol/handshake.ts'
import type { HandshakeHeaders } from '../../lib/protocol/handshake.ts'
import { HandshakeError } from '../../lib/protocol/handshake-error.ts'
import type { HandshakeFault } from '../../lib/protocol/handshake-error.ts'

const good: HandshakeHeaders = { ':authority': 'example.com', ':scheme': 'https', 'sec-websocket-version': '13' }

function faultOf (headers: HandshakeHeaders): HandshakeFault | null {
  try {
    readConnect({ ...good, ...headers })
    return null
  } catch (error) {
    if (!(error instanceof HandshakeError)) throw error
    return error.fault
  }
}

t.test('reads an extended CONNECT without subprotocols', async t => {
  t.same(readConnect(good), { protocols: [], extensions: [] })
})

t.test('reads what it offers, in the order of the client', async t => {
  t.same(readConnect({ ...good, 'sec-websocket-protocol': 'b, a', 'sec-websocket-extensions': 'permessage-deflate; client_max_window_bits' }), {
    protocols: ['b', 'a'],
    extensions: [{ name: 'permessage-deflate', parameters: [{ name: 'client_max_window_bits', value: null }] }]
  })
})

t.test('the :authority is a host, perhaps with a port', async t => {
  for (const authority of ['a', 'a:1', 'example.com:443', '[::1]', '[::1]:8080', '127.0.0.1', 'xn--bcher-kva.example']) t.equal(faultOf({ ':authority': authority }), null, authority)
  for (const authority of [undefined, '', 'user@example.com', 'example.com/path', 'a b', 'a:b', '[::1', 'a,b:x', 'http://a', ['a']]) t.equal(faultOf({ ':authority': authority }), 'http', String(authority))
})

t.test('a Host header is that of the :authority, in any case of letters', async t => {
  t.equal(faultOf({ host: 'Example.COM' }), null)
  for (const host of ['', 'other.example', 'example.com:443', ['example.com']]) t.equal(faultOf({ host }), 'http', String(host))
})

t.test('the :scheme is https or http', async t => {
  t.equal(faultOf({ ':scheme': 'http' }), null)
  for (const scheme of [undefined, '', 'wss', 'ftp', 'HTTPS', ['https']]) t.equal(faultOf({ ':scheme': scheme }), 'http', String(scheme))
})

t.test('the version is 13, written exactly so', async t => {
  for (const version of [undefined, '', '8', '013', '13, 13', ['13']]) t.equal(faultOf({ 'sec-websocket-version': version }), 'version', String(version))
})

t.test('a key is not looked at', async t => {
  for (const key of ['dGhlIHNhbXBsZSBub25jZQ==', 'no key', '']) t.equal(faultOf({ 'sec-websocket-key': key }), null, key)
})

t.test('a body is refused', async t => {
  t.equal(faultOf({ 'content-length': '0' }), 'body', 'even one of 0: the first frame would end the stream')
  t.equal(faultOf({ 'content-length': '1' }), 'body')
  t.equal(faultOf({ 'transfer-encoding': 'chunked' }), 'body')
})

t.test('subprotocols and extensions are read as over HTTP/1.1', async t => {
  for (const list of ['', 'a b', 'a, a', '"a"']) t.equal(faultOf({ 'sec-websocket-protocol': list }), 'protocol', list)
  for (const list of ['a; =', 'a b', ';']) t.equal(faultOf({ 'sec-websocket-extensions': list }), 'extension', list)
})
