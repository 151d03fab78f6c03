import { binary, close, ping, text } from '../../helpers/bytes.ts'
import { beside, expect, fails, halfClose, noise, prose, reset, section, send, sendAll } from '../case.ts'
import type { Add, CaseOptions, ReplySpec, RequestSpec, Step } from '../case.ts'

const serves: Step[] = [send(text('Hello')), expect({ text: 'Hello' })]

const accepted = (add: Add, title: string, request: RequestSpec, reply: ReplySpec = {}): void => add(title, serves, { request, reply })
const refused = (add: Add, title: string, request: RequestSpec, status: ReplySpec['status'] = 'refused'): void => add(title, [], { request, reply: { status } })

const shown = (value: string): string => value === '' ? 'nothing' : `“${value}”`

const http2: CaseOptions = { needs: 'http2' }

export const overHttp2 = section(15, 'HTTP/2', group => {
  group('extended CONNECT', 'RFC 8441 section 4', add => {
    accepted(add, 'is announced in the server’s settings', {})
    accepted(add, 'is answered with 200, without the fields of HTTP/1.1', {}, {
      status: 200,
      headers: { 'sec-websocket-accept': null, upgrade: null, connection: null, 'transfer-encoding': null, 'content-length': null }
    })
    accepted(add, 'needs no key, and has none in its reply where there is one', { headers: { 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' } }, {
      headers: { 'sec-websocket-accept': null }
    })
    for (const scheme of ['http', 'https']) accepted(add, `of the scheme ${scheme}, whatever the session is on`, { headers: { ':scheme': scheme } })
    for (const scheme of ['ws', 'wss', 'ftp', 'websocket']) refused(add, `of the scheme ${scheme}`, { headers: { ':scheme': scheme } })
    accepted(add, 'with a query', { target: path => `${path}?a=b&c=%20` })
    accepted(add, 'with unknown fields', { headers: { 'x-unknown': 'a', cookie: 'a=b; c=d', pragma: 'no-cache', 'cache-control': 'no-cache', accept: '*/*' } })
    accepted(add, 'with a field of 8,000 bytes', { headers: { cookie: `a=${'b'.repeat(8000)}` } })
    accepted(add, 'with a hundred fields', { headers: Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`x-${i}`, `${i}`])) })
    refused(add, 'whose stream ends with it', { isEnded: true })
    refused(add, 'to a URL that is not there', { target: path => `${path}/not/there` })
  }, http2)

  group('protocols other than websocket', 'RFC 9220 section 3', add => {
    for (const protocol of ['connect-udp', 'connect-ip', 'websockets', 'webtransport', 'h2c', 'websocket/13', 'websocket, websocket']) {
      refused(add, shown(protocol), { headers: { ':protocol': protocol } }, [400, 501])
    }
    refused(add, 'none, as for a tunnel to another host', { headers: { ':protocol': null, ':scheme': null, ':path': null } }, [400, 403, 404, 405, 501])
    refused(add, 'none: a GET', { method: 'GET', headers: { ':protocol': null }, isEnded: true })
    refused(add, 'none: a GET that asks for an upgrade', {
      method: 'GET', headers: { ':protocol': null, 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' }, isEnded: true
    })
  }, http2)

  group('versions other than 13 are refused, with the version that the server speaks', 'RFC 6455 section 4.4', add => {
    const refusal: ReplySpec = { status: [400, 426], headers: { 'sec-websocket-version': /(^|[ ,])13($|[ ,])/ } }
    const other = ['', '0', '8', '12', '14', '013', '13.0', '+13', '0xd', '1e1', '13;', '13 13', '13,13', '13, 8', '8, 13', '"13"', 'thirteen']
    for (const version of other) add(shown(version), [], { request: { headers: { 'sec-websocket-version': version } }, reply: refusal })
    add('none', [], { request: { headers: { 'sec-websocket-version': null } }, reply: refusal })
    add('13 twice', [], { request: { headers: { 'sec-websocket-version': ['13', '13'] } }, reply: refusal })
    add('8 and 13', [], { request: { headers: { 'sec-websocket-version': ['8', '13'] } }, reply: refusal })
  }, http2)

  group('the host', 'RFC 9113 section 8.3.1', add => {
    accepted(add, 'in Host, too', { headers: { ':authority': 'example.com', host: 'example.com' } })
    accepted(add, 'in another case', { headers: { ':authority': 'example.com', host: 'EXAMPLE.com' } })
    refused(add, 'another one in Host', { headers: { ':authority': 'example.com', host: 'example.org' } })
    refused(add, 'another port in Host', { headers: { ':authority': 'example.com:8080', host: 'example.com:8081' } })
    for (const authority of ['user@example.com', 'example.com/path', 'example.com, example.org', 'exa mple.com']) {
      refused(add, `${shown(authority)} is none`, { headers: { ':authority': authority } }, 'malformed')
    }
  }, http2)

  group('a length of the body, which none has', 'RFC 9113 section 8.1.1', add => {
    refused(add, 'of 0, which the bytes of frames would break', { headers: { 'content-length': '0' } }, 'malformed')
    refused(add, 'of bytes that would be taken for frames', { headers: { 'content-length': '11' }, head: text('Hello') }, 'malformed')
    refused(add, 'that is no number', { headers: { 'content-length': 'five' } }, 'malformed')
  }, http2)

  group('windows', 'RFC 9113 section 5.2', add => {
    for (const window of [1, 2, 7, 125, 1000]) {
      const session = { window }
      add(`of ${window}: messages come whole`, [
        sendAll(text(prose(100)), binary(noise(300))), expect({ text: prose(100) }, { binary: noise(300) })
      ], { session })
      add(`of ${window}: pongs and the close frame, too`, [sendAll(ping('now'), close(1000, 'bye')), expect({ pong: 'now' }), fails(1000)], { session })
      add(`of ${window}: the close frame of a violation`, [send(text('unmasked', { mask: false })), fails(1002)], { session })
    }
    add('of 1,000: a message of 100,000 bytes', [send(binary(noise(100_000))), expect({ binary: noise(100_000) })], { session: { window: 1000 } })
  }, http2)

  group('WebSockets in one session', 'RFC 8441 section 5', add => {
    const half: Step[] = [send(text('in two halves').subarray(0, 9))]
    const otherHalf: Step[] = [send(text('in two halves').subarray(9)), expect({ text: 'in two halves' })]
    const others: Array<[string, Step[]]> = [
      ['serves', serves],
      ['violates the protocol', [send(text('unmasked', { mask: false })), fails(1002)]],
      ['sends what is not UTF-8', [send(text(Buffer.of(0xff))), fails(1007)]],
      ['sends a close frame', [send(close(3000)), fails(3000)]],
      ['is reset within a message', [send(text('cut').subarray(0, 4)), reset, ...serves]],
      ['is reset before a close frame is answered', [send(close(1000)), reset, ...serves]],
      ['ends its stream within a message', [send(text('cut').subarray(0, 4)), halfClose, expect({ end: true })]]
    ]
    for (const [title, steps] of others) {
      add(`one goes on while another ${title}`, [...half, beside(...steps), ...otherHalf, ...serves], { session: {} })
    }
    add('a hundred that are open at a time', [nested(100)], { session: {} })
    add('a hundred one after the other', Array.from({ length: 100 }, () => beside(...serves)), { session: {} })
  }, http2)
})

/** WebSockets each of which is open while the next one is. */
function nested (count: number): Step {
  return beside(...serves, ...count > 1 ? [nested(count - 1)] : [], ...serves)
}
