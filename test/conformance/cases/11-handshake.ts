import { expect, section, send } from '../case.ts'
import type { Add, ReplySpec, RequestSpec } from '../case.ts'
import { text } from '../../helpers/bytes.ts'

const serves = [send(text('Hello')), expect({ text: 'Hello' })]

const accepted = (add: Add, title: string, request: RequestSpec, reply: ReplySpec = {}): void => add(title, serves, { request, reply })
const refused = (add: Add, title: string, request: RequestSpec, status: ReplySpec['status'] = 'refused'): void => add(title, [], { request, reply: { status } })

const base64 = (length: number): string => Buffer.alloc(length, 7).toString('base64')
const shown = (value: string): string => value === '' ? 'nothing' : `“${value}”`

export const handshake = section(11, 'Opening handshake', group => {
  group('versions other than 13 are refused, with the version that the server speaks', 'RFC 6455 section 4.4', add => {
    const refusal: ReplySpec = { status: 426, headers: { 'sec-websocket-version': /(^|[ ,])13($|[ ,])/ } }
    const other = [
      '', '0', '1', '3', '7', '8', '9', '12', '14', '113', '130', '255', '256', '013', '0013', '13.0', '+13', '-13', '0x0d', '0xd', '0b1101', '1e1', '13e0', '13a', 'a13',
      '13;', '13 13', '13,13', '13, 13', '13, 8', '8, 13', '"13"', 'thirteen', '1 3', 'NaN', 'Infinity'
    ]
    for (const version of other) add(shown(version), [], { request: { headers: { 'Sec-WebSocket-Version': version } }, reply: refusal })
    add('none', [], { request: { headers: { 'Sec-WebSocket-Version': null } }, reply: refusal })
    add('13 twice', [], { request: { headers: { 'Sec-WebSocket-Version': ['13', '13'] } }, reply: refusal })
    add('8 and 13', [], { request: { headers: { 'Sec-WebSocket-Version': ['8', '13'] } }, reply: refusal })
  }, { needs: 'http1' })

  group('version 13, with white space around it', 'RFC 9110 section 5.5', add => {
    for (const version of [' 13', '13 ', ' 13 ', '\t13\t', '    13']) accepted(add, JSON.stringify(version), { headers: { 'Sec-WebSocket-Version': version } })
  }, { needs: 'http1' })

  group('keys', 'RFC 6455 section 4.2.1', add => {
    for (const key of ['AAAAAAAAAAAAAAAAAAAAAA==', '/////////////////////w==', '++++++++++++++++++++++=='.replace(/\+=/, 'g='), base64(16)]) {
      accepted(add, key, { headers: { 'Sec-WebSocket-Key': key } })
    }
    accepted(add, 'white space around it', { headers: { 'Sec-WebSocket-Key': ` ${base64(16)}\t` } })
    for (const length of [0, 1, 8, 12, 14, 15, 17, 18, 20, 24, 32, 64]) refused(add, `of ${length} bytes`, { headers: { 'Sec-WebSocket-Key': base64(length) } }, 400)
    for (const last of 'BCDEFGHRhxz019+/') {
      refused(add, `spare bits that are not zero, ${last}==`, { headers: { 'Sec-WebSocket-Key': `AAAAAAAAAAAAAAAAAAAAA${last}==` } }, 400)
    }
    for (const [title, key] of [
      ['without padding', 'AAAAAAAAAAAAAAAAAAAAAA'],
      ['half of the padding', 'AAAAAAAAAAAAAAAAAAAAAA='],
      ['too much padding', 'AAAAAAAAAAAAAAAAAAAAAA==='],
      ['the alphabet for URLs', 'AAAAAAAAAAAAAAAAAAAA-A=='],
      ['a space within', 'AAAAAAAAAA AAAAAAAAAAA=='],
      ['padding within', 'AAAAAAAAAA==AAAAAAAAAA=='],
      ['not base64', 'not base64, is it?!!!!=='],
      ['quoted', '"AAAAAAAAAAAAAAAAAAAAAA=="'],
      ['24 dots', '........................'],
      ['beyond ASCII', 'AAAAAAAAAAAAAAAAAAAA\xe9A==']
    ]) refused(add, title, { headers: { 'Sec-WebSocket-Key': key } }, 400)
    refused(add, 'none', { headers: { 'Sec-WebSocket-Key': null } }, 400)
    refused(add, 'two of the same', { headers: { 'Sec-WebSocket-Key': [base64(16), base64(16)] } }, 400)
    refused(add, 'two different ones', { headers: { 'Sec-WebSocket-Key': [base64(16), 'AAAAAAAAAAAAAAAAAAAAAA=='] } }, 400)
  }, { needs: 'http1' })

  group('Upgrade names websocket among its protocols', 'RFC 6455 section 4.2.1', add => {
    for (const value of ['WebSocket', 'WEBSOCKET', 'wEbSoCkEt', 'websocket,', ', websocket', ' ,, websocket ,,', 'foo, websocket', 'websocket, foo/1']) {
      accepted(add, shown(value), { headers: { Upgrade: value } })
    }
    accepted(add, 'in a second header', { headers: { Upgrade: ['foo', 'websocket'] } })
    for (const value of ['foo', 'websockets', 'web socket', 'websocket/13', 'h2c']) {
      add(`not ${shown(value)}`, [], { request: { headers: { Upgrade: value } }, reply: { status: [200, 400, 404, 426, 501] } })
    }
    refused(add, 'none', { headers: { Upgrade: null } })
  }, { needs: 'http1' })

  group('Connection names upgrade among its options', 'RFC 6455 section 4.2.1', add => {
    for (const value of [
      'upgrade', 'UPGRADE', 'uPgRaDe', 'keep-alive, Upgrade', 'Upgrade, keep-alive', 'keep-alive,Upgrade', 'foo, Upgrade, bar', 'Upgrade,', ', Upgrade',
      'keep-alive,, Upgrade', ' , , Upgrade , ,', 'keep-alive\t,\tUpgrade'
    ]) accepted(add, shown(value), { headers: { Connection: value } })
    accepted(add, 'in a second header', { headers: { Connection: ['keep-alive', 'Upgrade'] } })
    for (const value of ['keep-alive', 'close', 'upgraded', 'not-upgrade']) refused(add, `not ${shown(value)}`, { headers: { Connection: value } })
    refused(add, 'none', { headers: { Connection: null } })
  }, { needs: 'http1' })

  group('the request', 'RFC 6455 section 4.2.1', add => {
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) refused(add, `is not a ${method}`, { method })
    refused(add, 'is not of HTTP/1.0', { httpVersion: '1.0' })
    refused(add, 'is not of HTTP/1.0, even if its connection is kept', { httpVersion: '1.0', headers: { Connection: 'keep-alive, Upgrade' } })
    refused(add, 'names a host', { headers: { Host: null } })
    accepted(add, 'may name its target by an absolute URI', { target: (path, host) => `http://${host}${path}` })
    accepted(add, 'may have a query', { target: path => `${path}?a=b&c=%20` })
    accepted(add, 'may have headers in any case', {
      headers: { Host: null, hOST: '127.0.0.1', Upgrade: null, uPGRADE: 'websocket', Connection: null, CONNECTION: 'upgrade' }
    })
    accepted(add, 'may have unknown headers', { headers: { 'X-Unknown': 'a', Cookie: 'a=b; c=d', Pragma: 'no-cache', 'Cache-Control': 'no-cache', Accept: '*/*' } })
    accepted(add, 'may have a header of 8,000 bytes', { headers: { Cookie: `a=${'b'.repeat(8000)}` } })
    accepted(add, 'may have a hundred headers', { headers: Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`X-${i}`, `${i}`])) })
    accepted(add, 'may come in segments of 10 bytes', { pieces: 10 })
    accepted(add, 'may say that it has a body of no bytes', { headers: { 'Content-Length': '0' } })
    accepted(add, 'may name a browser’s own origin', { headers: { Host: 'example.com', Origin: 'http://example.com' } })
  }, { needs: 'http1' })

  group('requests that HTTP refuses', 'RFC 9112 sections 3.2 and 6', add => {
    refused(add, 'two hosts', { headers: { Host: ['127.0.0.1', 'example.com'] } })
    refused(add, 'a body, whose bytes would be taken for frames', { headers: { 'Content-Length': '11' }, head: text('Hello') })
    refused(add, 'a chunked body', { headers: { 'Transfer-Encoding': 'chunked' }, head: Buffer.from('0\r\n\r\n') })
    refused(add, 'a length that is no number', { headers: { 'Content-Length': 'five' } }, 400)
    refused(add, 'a space before a colon', { headers: { 'Sec-WebSocket-Key ': base64(16) } }, 400)
    refused(add, 'NUL in a header', { headers: { 'X-Unknown': 'a\0b' } }, 400)
    refused(add, 'a header without a name', { headers: { '': 'value' } }, 400)
  }, { needs: 'http1' })

  group('subprotocols', 'RFC 6455 section 4.1', add => {
    const none: ReplySpec = { headers: { 'sec-websocket-protocol': null } }
    for (const list of ['unknown', 'unknown, other', 'unknown,, other', ', unknown ,', '__proto__', 'constructor, toString']) {
      accepted(add, `${shown(list)}: none that the server speaks`, { headers: { 'sec-websocket-protocol': list } }, none)
    }
    accepted(add, 'unknown ones in two headers', { headers: { 'sec-websocket-protocol': ['unknown', 'other'] } }, none)
    for (const list of ['', 'a b', 'a, a', '"a"', 'a;b', 'a=b', 'a/b', '(a)', 'a, b, a', '\xe9']) {
      refused(add, `${shown(list)} is no list of different tokens`, { headers: { 'sec-websocket-protocol': list } }, 400)
    }
  })
})
