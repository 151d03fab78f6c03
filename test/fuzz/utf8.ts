import assert from 'node:assert/strict'
import { isUtf8 } from 'node:buffer'
import { frame } from '../helpers/bytes.ts'
import { mutate } from './mutations.ts'
import { utf8 as utf8Bytes } from './payloads.ts'
import type { Target } from './target.ts'
import { traceOf } from './trace.ts'

/** Every border of the second byte's range, which depends on the first (RFC 3629 section 4). */
const borders = [0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf]

/** Text that goes on: refused with the first byte after which nothing could make it valid, and not before (RFC 6455 section 8.1). */
export const utf8: Target = {
  name: 'utf8',

  generate (random) {
    const bytes = utf8Bytes(random, random.below(24))
    return [random.oneIn(3) ? mutate(random, bytes) : bytes]
  },

  check (pieces) {
    const bytes = Buffer.concat(pieces)
    for (let length = 0; length <= bytes.length; length++) {
      const prefix = bytes.subarray(0, length)
      const fragment = frame({ opcode: 1, fin: false, payload: prefix })
      const unfinished = frame({ opcode: 1, payload: Buffer.concat([prefix, Buffer.alloc(10)]) }).subarray(0, 6 + length)
      const expected = canGoOn(prefix) ? 'open' : 'FST_ERR_WS_INVALID_UTF8'
      assert.equal(traceOf([fragment], { maxPayload: 1000 }).end, expected, `a fragment that ends after ${length} bytes`)
      assert.equal(traceOf([unfinished], { maxPayload: 1000 }).end, expected, `a frame of which ${length} bytes are there`)
    }
  }
}

/** Whether some bytes behind these make a valid text: by trying them. */
function canGoOn (prefix: Buffer): boolean {
  const isGood = (bytes: Buffer, more: number): boolean =>
    isUtf8(bytes) || (more > 0 && borders.some(byte => isGood(Buffer.concat([bytes, Buffer.from([byte])]), more - 1)))
  // Only the last characters can be incomplete, and those before them cost time.
  for (let cut = 0; cut <= 3 && cut <= prefix.length; cut++) {
    if (isUtf8(prefix.subarray(0, prefix.length - cut)) && isGood(prefix.subarray(prefix.length - cut), 3)) return true
  }
  return false
}
