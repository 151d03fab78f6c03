import { close, cut, text } from '../../helpers/bytes.ts'
import { data, errorCode, frameFlag, frameType, goAway, headers, http2Frame, ping, rstStream, settings, windowUpdate } from '../../helpers/http2-frames.ts'
import { expect, fails, halfClose, prose, reset, section, send, sendAll } from '../case.ts'
import type { CaseOptions, RequestSpec, Step } from '../case.ts'

/** What is sent are frames of HTTP/2, for stream 1. */
const bare: CaseOptions = { needs: 'http2', without: 'deflate', session: { isBare: true } }

const closes: Step[] = [send(data(close(1000))), fails(1000)]
const serves: Step[] = [send(data(text('Hello'))), expect({ text: 'Hello' }), ...closes]
const stillServes: Step[] = [reset, ...serves]
const gone: Step = expect({ gone: true })
const empty = Buffer.alloc(0)

export const http2Frames = section(16, 'Frames of HTTP/2', group => {
  group('messages over frames of DATA', 'RFC 8441 section 5', add => {
    const message = text(prose(300))
    add('one', [send(data(message)), expect({ text: prose(300) }), ...closes])
    for (const size of [1, 2, 7, 100]) {
      add(`of ${size} bytes, all in one segment`, [sendAll(...cut(message, size).map(part => data(part))), expect({ text: prose(300) }), ...closes])
      add(`of ${size} bytes, with as many of padding`, [sendAll(...cut(message, size).map(part => data(part, { padding: size }))), expect({ text: prose(300) }), ...closes])
      add(`of 300 bytes, in segments of ${size}`, [send(data(message), size), expect({ text: prose(300) }), ...closes])
    }
    for (let at = 1; at < 8; at++) {
      add(`a header cut after byte ${at}`, [sendAll(data(message.subarray(0, at)), data(message.subarray(at))), expect({ text: prose(300) }), ...closes])
    }
    add('ten messages in one', [send(data(Buffer.concat(Array.from({ length: 10 }, (_, i) => text(`${i}`))))), expect(...Array.from({ length: 10 }, (_, i) => ({ text: `${i}` }))), ...closes])
    for (const padding of [0, 1, 255]) add(`padded with ${padding} bytes`, [send(data(message, { padding })), expect({ text: prose(300) }), ...closes])
    add('nothing but padding', [sendAll(data(empty, { padding: 255 }), data(message)), expect({ text: prose(300) }), ...closes])
    for (const count of [1, 10, 50]) {
      add(`${count} that are empty, within a message`, [
        sendAll(data(message.subarray(0, 5)), ...Array.from({ length: count }, () => data(empty)), data(message.subarray(5))), expect({ text: prose(300) }), ...closes
      ])
    }
    add('the last one with END_STREAM', [send(data(message, { endStream: true })), expect({ text: prose(300) }, { end: true })])
    add('other frames in between', [
      sendAll(
        data(message.subarray(0, 5)), ping(), settings(), windowUpdate(1000), windowUpdate(1000, 0), http2Frame(0xbb, 0, 0),
        data(message.subarray(5))
      ),
      expect({ text: prose(300) }), ...closes
    ])
  }, bare)

  group('the server’s side ends by END_STREAM', 'RFC 8441 section 5', add => {
    add('after the closing handshake', closes)
    add('after a close frame without a code', [send(data(close())), fails(1005, 1000)])
    add('after a violation', [send(data(text('unmasked', { mask: false }))), fails(1002)])
    add('after a violation whose stream has ended', [send(data(text('unmasked', { mask: false }), { endStream: true })), fails(1002)])
    add('after a close frame with END_STREAM', [send(data(close(1000), { endStream: true })), fails(1000)])
    add('after a close frame and an empty DATA with END_STREAM', [send(data(close(1000))), halfClose, fails(1000)])
    add('after END_STREAM without a close frame', [halfClose, expect({ end: true })])
    add('after END_STREAM within a message', [send(data(text('cut').subarray(0, 5), { endStream: true })), expect({ end: true })])
    add('after END_STREAM by trailers', [send(headers([['x-trailer', 'a']], { endStream: true })), expect({ end: true })])
    add('after a message and trailers', [sendAll(data(text('a')), headers([['x-trailer', 'a']], { endStream: true })), expect({ text: 'a' }, { end: true })])
  }, bare)

  group('RST_STREAM leaves the server serving', 'RFC 8441 section 5', add => {
    for (const [name, code] of [['NO_ERROR', errorCode.noError], ['CANCEL', errorCode.cancel], ['PROTOCOL_ERROR', errorCode.protocolError], ['an unknown code', 0xbeef]] as const) {
      add(name, [send(rstStream(code)), ...stillServes])
    }
    add('within a message', [sendAll(data(text('cut').subarray(0, 5)), rstStream(errorCode.cancel)), ...stillServes])
    add('right after a message', [sendAll(data(text('a')), rstStream(errorCode.cancel)), ...stillServes])
    add('right after a close frame', [sendAll(data(close(1000)), rstStream(errorCode.cancel)), ...stillServes])
    add('right after a violation', [sendAll(data(text('a', { mask: false })), rstStream(errorCode.cancel)), ...stillServes])
    add('after the close frame of a violation', [send(data(text('a', { mask: false }))), fails(1002), send(rstStream(errorCode.cancel)), ...stillServes])
  }, bare)

  group('GOAWAY ends no stream that is open', 'RFC 9113 section 6.8', add => {
    // The server may close it then, in good order.
    const ends = expect({ close: [1000, 1001] })
    add('after a message, which is still answered', [sendAll(data(text('a')), goAway()), expect({ text: 'a' }), send(data(close(1000))), ends])
    add('before a close frame', [sendAll(goAway(), data(close(1000))), ends])
  }, bare)

  group('frames that HTTP/2 refuses end the stream or its session', 'RFC 9113 section 5.4', add => {
    for (const [title, bytes] of [
      ['DATA after END_STREAM', Buffer.concat([data(text('a'), { endStream: true }), data(text('b'))])],
      ['DATA after RST_STREAM and the end of the session', Buffer.concat([rstStream(errorCode.cancel), data(text('a')), goAway(errorCode.protocolError)])],
      ['DATA on a stream that is idle', data(text('a'), { stream: 3 })],
      ['DATA on stream 0', data(text('a'), { stream: 0 })],
      ['DATA whose padding is longer than it', http2Frame(frameType.data, frameFlag.padded, 1, Buffer.from([9, 0, 0]))],
      ['DATA beyond the largest frame', data(Buffer.alloc(16_385))],
      ['trailers without END_STREAM', headers([['x-trailer', 'a']])],
      ['trailers with a pseudo-header', headers([[':path', '/']], { endStream: true })],
      ['RST_STREAM of three bytes', http2Frame(frameType.rstStream, 0, 1, Buffer.alloc(3))],
      ['WINDOW_UPDATE of 0', windowUpdate(0)],
      ['a window that grows beyond 2^31 - 1', windowUpdate(0x7fff_ffff)],
      ['SETTINGS of five bytes', http2Frame(frameType.settings, 0, 0, Buffer.alloc(5))],
      ['CONTINUATION without HEADERS', http2Frame(frameType.continuation, frameFlag.endHeaders, 1)],
      ['a block of fields that is none', http2Frame(frameType.headers, frameFlag.endHeaders | frameFlag.endStream, 1, Buffer.from('ffffffffff', 'hex'))],
      ['GOAWAY on a stream', http2Frame(frameType.goAway, 0, 1, Buffer.alloc(8))]
    ] as const) add(title, [send(bytes), gone, ...stillServes])
  }, bare)

  group('requests as they may be written', 'RFC 9113 sections 3.4, 4.3 and 6.10', add => {
    const requests: Array<[string, RequestSpec]> = [
      ['in segments of a byte', { pieces: 1 }],
      ['in segments of 10 bytes', { pieces: 10 }],
      ['in HEADERS and CONTINUATION of 50 bytes', { blockPieces: 50 }],
      ['in HEADERS and CONTINUATION of 100 bytes, in segments of 7', { blockPieces: 100, pieces: 7 }]
    ]
    for (const [title, request] of requests) add(title, serves, { request })
    for (const [title, head] of [['a message in the same segment', data(text('at once'))], ['a message in two frames in the same segment', Buffer.concat(cut(text('at once'), 5).map(part => data(part)))]] as const) {
      add(title, [expect({ text: 'at once' }), ...closes], { request: { head } })
    }
    add('a close frame in the same segment', [fails(1000)], { request: { head: data(close(1000)) } })
    add('a violation in the same segment', [fails(1002)], { request: { head: data(text('unmasked', { mask: false })) } })
  }, bare)

  group('malformed requests', 'RFC 9113 section 8.1.1', add => {
    const malformed: Array<[string, RequestSpec['headers']]> = [
      ['no :path', { ':path': null }],
      ['no :scheme', { ':scheme': null }],
      ['no :authority', { ':authority': null }],
      ['no :method', { ':method': null }],
      ['an empty :path', { ':path': '' }],
      ['two of :path', { ':path': ['/echo', '/other'] }],
      ['two of :protocol', { ':protocol': ['websocket', 'websocket'] }],
      ['two of :method', { ':method': ['CONNECT', 'CONNECT'] }],
      ['two of :authority', { ':authority': ['example.com', 'example.org'] }],
      ['an unknown pseudo-header', { ':unknown': 'a' }],
      ['a pseudo-header of replies', { ':status': '200' }],
      [':protocol on another method', { ':method': 'GET' }],
      ['connection', { connection: 'upgrade' }],
      ['upgrade', { upgrade: 'websocket' }],
      ['transfer-encoding', { 'transfer-encoding': 'chunked' }],
      ['keep-alive', { 'keep-alive': 'timeout=5' }],
      ['te of something else', { te: 'gzip' }],
      ['a name in upper case', { 'X-Upper': 'a' }],
      ['two lengths', { 'content-length': ['0', '1'] }],
      ['* for a path', { ':path': '*' }],
      ['a path that does not begin with a slash', { ':path': 'echo' }]
    ]
    for (const [title, fields] of malformed) add(title, stillServes, { request: { headers: fields }, reply: { status: 'malformed' } })
  }, bare)
})
