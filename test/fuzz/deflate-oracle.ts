import assert from 'node:assert/strict'
import { isUtf8 } from 'node:buffer'
import type { DeflateParameters } from '../../lib/protocol/permessage-deflate.ts'
import type { ReadFrame } from '../helpers/bytes.ts'
import type { SeenEvent } from '../helpers/sinks.ts'
import { referenceInflate } from './reference-inflate.ts'
import { maxPayload } from './server-app.ts'
import { expectedClose, isClose, isPong, pongOf, quietBytes, showFrame } from './server-oracle.ts'
import { traceOf } from './trace.ts'

/** The largest window of DEFLATE. */
const largestWindow = 2 ** 15

/** How many final blocks a message of so many bytes may have. */
const mostFinals = (payload: Buffer): number => 16 + Math.floor(payload.length / 1024)

/** What a block can make of two dozen bytes: no match is longer than 258 bytes, nor takes fewer than two bits. */
const mostBeyond = 24 * 4 * 258

/** What the messages of a client come to. */
interface Inflation {
  events: SeenEvent[]
  /** The close codes that a fault of compression may be answered with; none without one. */
  closeCodes: number[]
}

/** What an echo sends to a client that sends these bytes and then ends its side. */
export function checkCompressed (parameters: DeflateParameters | null, bytes: Buffer, frames: readonly ReadFrame[]): void {
  const trace = traceOf([bytes], { maxPayload, deflate: parameters !== null })
  const inflation = parameters === null ? { events: trace.events, closeCodes: [] } : inflate(trace.events, parameters)
  if (inflation === null) return
  const { events, closeCodes } = inflation
  const closes = closeCodes.length === 0 ? [expectedClose(trace)] : closeCodes.map(closeCode => expectedClose({ events, closeCode }))
  const isViolated = trace.closeCode !== 0 || closeCodes.length > 0
  const seen = frames.map(showFrame)
  const close = seen.find(isClose) ?? null
  assert.ok(closes.includes(close), `close frame ${close}, not ${closes.join(' or ')}`)

  const echoes = inflateReplies(frames, parameters)
  const expected = events.flatMap(event => 'text' in event ? [`1 ${Buffer.from(event.text).toString('hex')}`] : 'binary' in event ? [`2 ${event.binary}`] : [])
  // The close frame of a violation does not wait for messages that wait until others are compressed.
  assert.deepEqual(echoes, isViolated ? expected.slice(0, echoes.length) : expected, 'echoes')
  if (expected.join('').length / 2 < quietBytes) assert.deepEqual(seen.filter(isPong), events.flatMap(pongOf), 'pongs')
}

/** null where zlib may take more than the negotiated window lets a message refer to, or not. */
function inflate (events: readonly SeenEvent[], { clientNoContextTakeover, clientMaxWindowBits }: DeflateParameters): Inflation | null {
  const window = 2 ** clientMaxWindowBits
  const seen: SeenEvent[] = []
  let history: Buffer = Buffer.alloc(0)
  for (const event of events) {
    if (!('compressed' in event)) {
      seen.push(event)
      continue
    }
    const payload = Buffer.from(event.compressed, 'hex')
    const inflated = referenceInflate(payload, history, window, maxPayload)
    if (inflated.finals > mostFinals(payload)) return { events: seen, closeCodes: [1008] }
    if ('fault' in inflated) {
      if (inflated.fault === 'corrupt' && reachesBack(payload, history.subarray(-window))) return null
      // zlib makes many bytes at once, and so sees what is corrupt behind those that are too many. A block that goes on beyond the end
      // may be found too big by what the inflater puts there.
      return { events: seen, closeCodes: inflated.made + mostBeyond > maxPayload ? [1009, 1007] : [1007] }
    }
    const { message } = inflated
    if (event.code === 1 && !isUtf8(message)) return { events: seen, closeCodes: [1007] }
    seen.push(event.code === 1 ? { text: message.toString() } : { binary: message.toString('hex') })
    if (!clientNoContextTakeover) history = Buffer.concat([history, message])
  }
  return { events: seen, closeCodes: [] }
}

/** Whether all that is wrong is a distance beyond the window. */
function reachesBack (payload: Buffer, history: Buffer): boolean {
  const loose = referenceInflate(payload, history, largestWindow, maxPayload)
  return !('fault' in loose) || loose.fault !== 'corrupt'
}

/** What the server sent, inflated with nothing but the window that it agreed to. */
function inflateReplies (frames: readonly ReadFrame[], parameters: DeflateParameters | null): string[] {
  let history: Buffer = Buffer.alloc(0)
  return frames.filter(({ opcode }) => opcode < 8).map(({ opcode, rsv, payload }) => {
    if (rsv === 0 || parameters === null) return `${opcode} ${payload.toString('hex')}`
    const inflated = referenceInflate(payload, history, 2 ** parameters.serverMaxWindowBits, maxPayload)
    assert.ok('message' in inflated, 'a message of the server that does not inflate')
    if (!parameters.serverNoContextTakeover) history = Buffer.concat([history, inflated.message])
    return `${opcode} ${inflated.message.toString('hex')}`
  })
}
