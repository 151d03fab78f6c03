import assert from 'node:assert/strict'
import type { SeenEvent } from '../helpers/sinks.ts'
import { clientFrames, largestPayload } from './frames.ts'
import { chunked } from './mutations.ts'
import type { Target } from './target.ts'
import { traceOf } from './trace.ts'
import type { Trace } from './trace.ts'
import { wsTraceOf } from './ws-receiver.ts'

const limits = [1, 125, 126, 1000, 65535, 65536, 2 * largestPayload]

/** Ends any header that is not complete, and the one byte that a close frame may lack: whatever `ws` has seen by then, we have. */
const padding = Buffer.alloc(14)

/** Our core beside the receiver of `ws`: where both must agree, they do. */
export const wsOracle: Target = {
  name: 'ws-oracle',

  generate: clientFrames,

  check (pieces, random) {
    const maxPayload = random.pick(limits)
    const chunks = chunked(random, Buffer.concat(pieces))
    const ours = traceOf(chunks, { maxPayload })
    const theirs = wsTraceOf(chunks, maxPayload)
    agree(ours, theirs, () => traceOf([...chunks, padding], { maxPayload }))
  }
}

function agree (first: Trace, theirs: Trace, padded: () => Trace): void {
  // They judge some headers by their first bytes, and the length of a close payload; we once the header, or the payload, is there.
  const ours = first.end === 'open' && theirs.closeCode !== 0 ? padded() : first
  isPrefix(ours, theirs)
  // They take a length in any form (RFC 6455 section 5.2 wants the shortest), and go on.
  if (ours.end === 'FST_ERR_WS_LENGTH_NOT_MINIMAL') return
  // They look at UTF-8 when the message is complete; until then, or until something else ends it, only control frames can come.
  if (ours.end === 'FST_ERR_WS_INVALID_UTF8') {
    assert.ok(theirs.events.slice(ours.events.length).every(isControl), `ws took a message whose UTF-8 we refuse: ${show(theirs)}`)
    return
  }
  assert.deepEqual(ours.events, theirs.events)
  // They call a length beyond 2^53 too big, one with the top bit as well, which section 5.2 forbids; other faults of that header come first.
  if (ours.end === 'FST_ERR_WS_LENGTH_TOP_BIT') assert.notEqual(theirs.closeCode, 0)
  else assert.equal(ours.closeCode, theirs.closeCode, `we end with ${ours.end}, ws with ${theirs.end}`)
  assert.equal(ours.end === 'closed', theirs.end === 'closed')
}

function isPrefix (ours: Trace, theirs: Trace): void {
  assert.deepEqual(theirs.events.slice(0, ours.events.length), ours.events)
}

function isControl (event: SeenEvent): boolean {
  return !('text' in event || 'binary' in event)
}

function show (trace: Trace): string {
  return JSON.stringify(trace).slice(0, 300)
}
