import assert from 'node:assert/strict'
import { isUtf8 } from 'node:buffer'
import { readFrame } from '../helpers/bytes.ts'
import type { ReadFrame } from '../helpers/bytes.ts'

export interface WireReply {
  status: number
  headers: Map<string, string>
  body: string
}

/** Everything that a server sent on one connection: HTTP replies, and frames behind a 101. */
export interface Wire {
  replies: WireReply[]
  frames: ReadFrame[]
  /** Bytes at the end that are no whole reply or frame. */
  rest: Buffer
}

/** Codes that a server may send (RFC 6455 section 7.4.1). */
const legalCodes = new Set([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1012, 1013])

/** Reads what a server sent. Throws when it is not well-formed; compressed messages are, where that was agreed on. */
export function readWire (bytes: Buffer): Wire {
  const replies: WireReply[] = []
  let rest = bytes
  while (rest.length > 0 && replies.at(-1)?.status !== 101) {
    const read = readReply(rest)
    if (read === null) return { replies, frames: [], rest }
    replies.push(read.reply)
    rest = rest.subarray(read.size)
  }
  const frames: ReadFrame[] = []
  const mayCompress = replies.at(-1)?.headers.has('sec-websocket-extensions') ?? false
  for (let read = readFrame(rest); read !== null; read = readFrame(rest)) {
    checkFrame(read.frame, rest, mayCompress)
    assert.notEqual(frames.at(-1)?.opcode, 8, 'something follows the close frame')
    frames.push(read.frame)
    rest = rest.subarray(read.size)
  }
  return { replies, frames, rest }
}

function readReply (bytes: Buffer): { reply: WireReply, size: number } | null {
  const end = bytes.indexOf('\r\n\r\n')
  if (end === -1) {
    assert.ok(bytes.subarray(0, 9).equals(Buffer.from('HTTP/1.1 ').subarray(0, bytes.length)), `no HTTP reply: ${show(bytes)}`)
    return null
  }
  const [line, ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n')
  const status = /^HTTP\/1\.1 ([1-5]\d\d) [\t\x20-\x7e\x80-\xff]*$/.exec(line)
  assert.ok(status !== null, `no status line: ${show(bytes)}`)
  const headers = new Map<string, string>()
  for (const line of lines) {
    const header = /^([!#$%&'*+\-.^_`|~\w]+): ?([\t\x20-\x7e\x80-\xff]*)$/.exec(line)
    assert.ok(header !== null, `no header: ${line}`)
    headers.set(header[1].toLowerCase(), header[2])
  }
  const start = end + 4
  if (headers.get('transfer-encoding') === 'chunked') {
    // Only Node's own replies are, to a request without a Host: they have no body.
    const none = Buffer.from('0\r\n\r\n')
    assert.ok(bytes.subarray(start, start + none.length).equals(none.subarray(0, bytes.length - start)), `a chunked body: ${show(bytes)}`)
    return { reply: { status: Number(status[1]), headers, body: '' }, size: Math.min(bytes.length, start + none.length) }
  }
  const length = bytes.subarray(start).toString('latin1', 0, 9).startsWith('HTTP/1.1 ') ? 0 : Number(headers.get('content-length') ?? 0)
  // A reply to a HEAD has a length and no body; here it is then the last one, or followed by the next.
  const body = bytes.subarray(start, start + length)
  return { reply: { status: Number(status[1]), headers, body: body.toString() }, size: start + body.length }
}

function checkFrame ({ rsv, masked, opcode, fin, payload }: ReadFrame, bytes: Buffer, mayCompress: boolean): void {
  const what = `a frame of the server: ${show(bytes)}`
  assert.equal(masked, false, `masked, ${what}`)
  const isCompressed = rsv === 4 && mayCompress && opcode < 8
  assert.ok(rsv === 0 || isCompressed, `reserved bits, ${what}`)
  assert.ok([1, 2, 8, 9, 10].includes(opcode), `opcode ${opcode}, ${what}`)
  assert.equal(fin, true, `a fragment, ${what}`)
  const form = bytes[1] & 0x7f
  assert.equal(form, payload.length < 126 ? payload.length : payload.length < 65536 ? 126 : 127, `length, ${what}`)
  if (opcode === 1 && !isCompressed) assert.ok(isUtf8(payload), `UTF-8, ${what}`)
  if (opcode > 7) assert.ok(payload.length <= 125, `a long control frame, ${what}`)
  if (opcode === 8 && payload.length > 0) {
    const code = payload.length === 1 ? 0 : payload.readUInt16BE(0)
    assert.ok(legalCodes.has(code) || (code >= 3000 && code < 5000) || code === 1010 || code === 1014, `close code ${code}, ${what}`)
    assert.ok(isUtf8(payload.subarray(2)), `a reason that is no UTF-8, ${what}`)
  }
}

function show (bytes: Buffer): string {
  return JSON.stringify(bytes.subarray(0, 80).toString('latin1'))
}
