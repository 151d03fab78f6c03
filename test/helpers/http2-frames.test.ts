import { once } from 'node:events'
import { createServer } from 'node:http2'
import type { IncomingHttpHeaders } from 'node:http2'
import { connect } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import t from 'tap'
import type { Test } from 'tap'
import { acknowledgement, data, frameFlag, frameType, headers, Http2FrameReader, preface, readStatus, setting, settings } from './http2-frames.ts'
import type { Http2Frame } from './http2-frames.ts'

/** Node's own reader and writer of HTTP/2, which echoes, with the status that is asked for, and a connection to it. */
async function connected (t: Test): Promise<{ socket: Socket, requests: IncomingHttpHeaders[] }> {
  const requests: IncomingHttpHeaders[] = []
  const server = createServer().listen(0, '127.0.0.1')
  server.on('stream', (stream, headers) => {
    requests.push(headers)
    stream.respond({ ':status': Number(headers['x-status']) })
    stream.pipe(stream)
  })
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  t.after(() => {
    socket.destroy()
    server.close()
  })
  socket.write(Buffer.concat([preface, settings([[setting.headerTableSize, 0]])]))
  return { socket, requests }
}

const asked = (status: number): Array<[string, string]> => [[':method', 'POST'], [':scheme', 'http'], [':authority', 'localhost'], [':path', '/'], ['x-status', `${status}`]]

t.test('Node reads fields of any length, in one frame and in many', async t => {
  const { socket, requests } = await connected(t)
  const lengths = [0, 1, 126, 127, 128, 254, 255, 256, 5_000]
  const long = lengths.map((length): [string, string] => [`x-${length}`, 'x'.repeat(length)])
  const answered = new Promise<void>(resolve => {
    const reader = new Http2FrameReader(({ type, stream }) => { if (type === frameType.headers && stream === 3) resolve() })
    socket.on('data', chunk => reader.push(chunk))
  })
  socket.write(headers([...asked(404), ...long], { endStream: true }))
  socket.write(headers([...asked(404), ...long], { stream: 3, endStream: true, pieces: 1_000 }))
  await answered
  t.equal(requests.length, 2)
  for (const request of requests) for (const [name, value] of long) t.equal(request[name], value, name)
})

t.test('every status is read, and what is echoed, in whatever pieces it comes', async t => {
  const { socket } = await connected(t)
  const statuses = Array.from({ length: 400 }, (_, at) => 200 + at).filter(status => ![204, 205, 304].includes(status))
  const read = new Map<number, number>()
  const echoed: number[] = []
  const ended = new Promise<void>(resolve => {
    const onFrame = (frame: Http2Frame): void => {
      const { type, flags, stream, payload } = frame
      if (type === frameType.settings && (flags & frameFlag.ack) === 0) socket.write(acknowledgement(frame))
      if (type === frameType.headers) read.set(stream, readStatus(payload))
      if (type === frameType.data && payload.equals(Buffer.from('echo'))) echoed.push(stream)
      if (echoed.length === statuses.length) resolve()
    }
    const reader = new Http2FrameReader(onFrame)
    socket.on('data', chunk => { for (const byte of chunk) reader.push(Buffer.of(byte)) })
  })
  for (const [at, status] of statuses.entries()) {
    const stream = 2 * at + 1
    socket.write(Buffer.concat([headers(asked(status), { stream }), data(Buffer.from('echo'), { stream, endStream: true, padding: at % 256 })]))
  }
  await ended
  t.same([...read.values()], statuses)
})

t.test('what does not begin with a status is an error', async t => {
  t.throws(() => readStatus(Buffer.from('c0', 'hex')), /does not begin with a status: c0/)
})
