import assert from 'node:assert/strict'
import { cut, frame } from '../helpers/bytes.ts'
import { compressedFrames } from './compressed-frames.ts'
import { clientFrames, largestPayload } from './frames.ts'
import { chunked } from './mutations.ts'
import type { Random } from './random.ts'
import type { Target } from './target.ts'
import { traceOf } from './trace.ts'

/** Limits on both sides of what is generated. */
const limits = [1, 125, 126, 1000, 65535, 65536, 2 * largestPayload]

/** The core by itself: the same bytes give the same events and the same violation, however they are cut and whenever it is paused. */
export const core: Target = {
  name: 'core',

  generate: random => random.weighted([[2, serverFrames], [12, clientFrames], [1, anyCompressed]])(random),

  check (pieces, random) {
    const bytes = Buffer.concat(pieces)
    const maxPayload = random.pick(limits)
    const deflate = random.oneIn(2)
    for (const masked of [true, false]) {
      const options = { masked, maxPayload, deflate }
      const whole = traceOf([bytes], options)
      const others = {
        'byte by byte': traceOf(cut(bytes, 1), options),
        'frame by frame': traceOf(pieces, options),
        'in chunks': traceOf(chunked(random, bytes), options),
        'pausing after every event': traceOf([bytes], { ...options, pauses: () => true }),
        'pausing now and then': traceOf(chunked(random, bytes), { ...options, pauses: () => random.oneIn(2), resumes: () => random.oneIn(2) })
      }
      for (const [how, trace] of Object.entries(others)) assert.deepEqual(trace, whole, `${how}, not as in one chunk`)
    }
  }
}

/** With every context and the largest window. */
function anyCompressed (random: Random): Buffer[] {
  return compressedFrames(random, {
    serverNoContextTakeover: false, clientNoContextTakeover: false, serverMaxWindowBits: 15, clientMaxWindowBits: 15
  })
}

/** What a server sends: unmasked. */
function serverFrames (random: Random): Buffer[] {
  return random.list(random.between(1, 5), () => frame({
    opcode: random.pick([1, 2, 9, 10]), payload: 'x'.repeat(random.size(1000)), mask: random.oneIn(10) ? random.bytes(4) : false
  }))
}
