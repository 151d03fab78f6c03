import { constants, deflateRawSync } from 'node:zlib'
import type { DeflateParameters } from '../../lib/protocol/permessage-deflate.ts'
import { fragmentsOf, masked } from './frames.ts'
import { mutate } from './mutations.ts'
import { closePayload, utf8 } from './payloads.ts'
import type { Random } from './random.ts'

/** What a client sends that has agreed on these parameters: compressed messages, good and broken, plain ones, control frames in between. */
export function compressedFrames (random: Random, parameters: DeflateParameters): Buffer[] {
  const frames: Buffer[] = []
  let history: Buffer = Buffer.alloc(0)
  for (let i = random.between(1, 7); i > 0; i--) {
    const opcode = random.pick([1, 2])
    const payload = plainPayload(random, opcode, history)
    const isCompressed = !random.oneIn(6)
    const dictionary = parameters.clientNoContextTakeover ? Buffer.alloc(0) : history.subarray(-(2 ** parameters.clientMaxWindowBits))
    message(random, frames, opcode, isCompressed ? compressed(random, payload, dictionary, parameters.clientMaxWindowBits) : payload, isCompressed)
    if (isCompressed) history = Buffer.concat([history, payload])
  }
  if (random.oneIn(3)) frames.push(masked(random, { opcode: 8, payload: closePayload(random) }))
  if (random.oneIn(12)) frames[0] = mutate(random, frames[0])
  return frames
}

function plainPayload (random: Random, opcode: number, history: Buffer): Buffer {
  return random.weighted<() => Buffer>([
    [6, () => opcode === 1 ? utf8(random, random.size(3000)) : random.bytes(random.size(3000))],
    // Something of before, so that a context that was lost or changed shows.
    [4, () => slice(random, history)],
    [2, () => Buffer.from(random.pick(['abc', 'a', 'xyzzy plugh ']).repeat(random.size(8000)))],
    [1, () => random.bytes(random.between(10_000, 40_000)).map(byte => byte & 0x3f)] as [number, () => Buffer],
    // A bomb.
    [1, () => Buffer.alloc(random.pick([65_999, 66_000, 66_001, 70_000, 400_000]), 'b')]
  ])()
}

function slice (random: Random, bytes: Buffer): Buffer {
  const start = random.below(bytes.length + 1)
  return Buffer.from(bytes.subarray(start, start + random.size(4000)))
}

/** A payload as RFC 7692 section 7.2.1 compresses it, or not quite. */
function compressed (random: Random, payload: Buffer, dictionary: Buffer, windowBits: number): Buffer {
  const parts = random.oneIn(4) ? fragmentsOf(random, payload) : [payload]
  let before = dictionary
  const blocks = parts.map((part, index) => {
    const isLast = index === parts.length - 1
    const block = deflated(random, part, before, windowBits, isLast)
    before = Buffer.concat([before, part]).subarray(-(2 ** windowBits))
    return block
  })
  const whole = Buffer.concat(blocks)
  return random.weighted<() => Buffer>([
    [30, () => whole],
    [2, () => mutate(random, whole)],
    [1, () => whole.subarray(0, random.below(whole.length + 1))],
    [1, () => Buffer.concat([whole, random.bytes(random.between(1, 4))])],
    [1, () => random.bytes(random.size(60))],
    [1, () => Buffer.concat([whole, Buffer.from(random.pick(['0000ffff', '00', '0300', '030000', '0000000000', '010000ffff00']), 'hex')])],
    [1, () => finals(random.pick([2, 15, 16, 17, 2000]))]
  ])()
}

/** One part of a message: flushed, or ended with a final block, to which the last part adds the byte of section 7.2.3.4. */
function deflated (random: Random, part: Buffer, dictionary: Buffer, windowBits: number, isLast: boolean): Buffer {
  const isFinal = random.oneIn(6)
  const bytes = deflateRawSync(part, {
    dictionary: dictionary.length === 0 ? undefined : Buffer.from(dictionary),
    windowBits: Math.max(9, windowBits),
    level: part.length > 66_000 ? 9 : random.pick([-1, 0, 1, 9]),
    memLevel: random.pick([1, 5, 9]),
    strategy: random.pick([constants.Z_DEFAULT_STRATEGY, constants.Z_HUFFMAN_ONLY, constants.Z_RLE, constants.Z_FIXED, constants.Z_FILTERED]),
    finishFlush: isFinal ? constants.Z_FINISH : random.pick([constants.Z_SYNC_FLUSH, constants.Z_FULL_FLUSH])
  })
  if (isFinal) return isLast ? Buffer.concat([bytes, Buffer.alloc(1)]) : bytes
  return isLast ? bytes.subarray(0, -4) : bytes
}

/** Final blocks without anything in them. */
function finals (count: number): Buffer {
  return Buffer.concat([Buffer.from('0300'.repeat(count), 'hex'), Buffer.alloc(1)])
}

function message (random: Random, frames: Buffer[], opcode: number, payload: Buffer, isCompressed: boolean): void {
  const fragments = random.oneIn(3) ? fragmentsOf(random, payload) : [payload]
  fragments.forEach((fragment, index) => {
    if (index > 0 && random.oneIn(3)) frames.push(masked(random, { opcode: random.pick([9, 10]), payload: random.bytes(random.below(20)) }))
    const rsv = (index === 0 && isCompressed) !== random.oneIn(80) ? 4 : 0
    frames.push(masked(random, { opcode: index === 0 ? opcode : 0, payload: fragment, fin: index === fragments.length - 1, rsv }))
  })
}
