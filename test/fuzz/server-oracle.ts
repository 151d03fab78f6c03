import assert from 'node:assert/strict'
import type { ReadFrame } from '../helpers/bytes.ts'
import type { SeenEvent } from '../helpers/sinks.ts'
import { expectedReply } from './json-oracle.ts'
import { maxPayload, smallPayload } from './server-app.ts'
import type { Route } from './server-input.ts'
import { traceOf } from './trace.ts'
import type { Trace } from './trace.ts'
import type { WireReply } from './wire.ts'

/** From here on pongs may be coalesced, since replies of one tick may pass the high-water mark. */
export const quietBytes = 60_000

/** Statuses that no request may bring about: they are faults of the server, or only sent while it closes. */
export function checkReply ({ status, headers }: WireReply): void {
  assert.ok(status < 500 || status === 505, `status ${status}`)
  if (status === 426) assert.equal(headers.get('upgrade'), 'websocket', 'what a 426 offers')
  if (status !== 101) return
  assert.equal(headers.get('upgrade'), 'websocket')
  assert.equal(headers.get('connection'), 'Upgrade')
  assert.match(headers.get('sec-websocket-accept') ?? '', /^[A-Za-z0-9+/]{27}=$/)
  assert.ok(['chat', 'json', undefined].includes(headers.get('sec-websocket-protocol')), 'a subprotocol of the server')
}

/** What a route sends to a client that sends these bytes and then ends its side: what the core makes of them says it. */
export function checkFrames (route: Route, bytes: Buffer, frames: readonly ReadFrame[]): void {
  const trace = traceOf([bytes], { maxPayload: route === '/small' ? smallPayload : maxPayload })
  const seen = frames.map(showFrame)
  const close = expectedClose(trace)
  assert.deepEqual(seen.filter(isClose), close === null ? [] : [close], 'the close frame')
  if (bytes.length < quietBytes) assert.deepEqual(seen.filter(isPong), trace.events.flatMap(pongOf), 'pongs')
  const messages = frames.filter(({ opcode }) => opcode < 8)
  if (route === '/json') checkJson(trace, messages)
  else checkEchoes(trace, messages.map(showFrame), route === '/async', bytes.length < quietBytes)
}

function checkEchoes (trace: Trace, seen: string[], isAsync: boolean, isQuiet: boolean): void {
  const expected = trace.events.flatMap(event => 'text' in event ? [`1 ${Buffer.from(event.text).toString('hex')}`] : 'binary' in event ? [`2 ${event.binary}`] : [])
  if (!isAsync) {
    // The close frame of a violation does not wait for messages that wait until the client has read replies.
    assert.deepEqual(seen, isQuiet || trace.closeCode === 0 ? expected : expected.slice(0, seen.length), 'echoes')
  } else if (trace.closeCode === 0) {
    assert.deepEqual(seen.sort(), expected.sort(), 'echoes, in any order')
  } else {
    // The close frame of a violation does not wait for handlers.
    for (const echo of seen) assert.ok(expected.includes(echo), 'an echo of something that was not sent')
  }
}

function checkJson (trace: Trace, messages: readonly ReadFrame[]): void {
  const expected = trace.events.flatMap(event => {
    if ('binary' in event) return [{ type: 'error', id: null, code: 'FST_ERR_WS_UNSUPPORTED_DATA' }]
    return 'text' in event ? [expectedReply(event.text)] : []
  })
  const seen = messages.map(({ opcode, payload }) => {
    assert.equal(opcode, 1, 'JSON in a text message')
    const { type, id, code } = JSON.parse(payload.toString()) as { type: string, id?: unknown, code?: string }
    return { type, id: id === undefined ? null : JSON.stringify(id), code: code ?? null }
  })
  // The close frame of a violation does not wait for handlers.
  assert.deepEqual(seen, trace.closeCode === 0 ? expected : expected.slice(0, seen.length), 'replies')
}

export function showFrame ({ opcode, payload }: ReadFrame): string {
  // The reason of a violation is for people.
  return `${opcode} ${(opcode === 8 ? payload.subarray(0, 2) : payload).toString('hex')}`
}

export const isClose = (frame: string): boolean => frame.startsWith('8 ')
export const isPong = (frame: string): boolean => frame.startsWith('10 ')

export function pongOf (event: SeenEvent): string[] {
  return 'ping' in event ? [`10 ${event.ping}`] : []
}

export function expectedClose ({ events, closeCode }: Pick<Trace, 'events' | 'closeCode'>): string | null {
  const close = events.find(event => 'close' in event)
  const code = close !== undefined && 'close' in close ? close.close : closeCode
  if (code === 0) return null
  return code === 1005 ? '8 ' : `8 ${code.toString(16).padStart(4, '0')}`
}
