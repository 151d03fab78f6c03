import { frame } from '../helpers/bytes.ts'
import type { FrameSpec } from '../helpers/bytes.ts'
import { mutate } from './mutations.ts'
import { closePayload, utf8 } from './payloads.ts'
import type { Random } from './random.ts'

/** The largest payload that frames are made with; limits in targets lie below and above it. */
export const largestPayload = 70_000

/** What a client sends: messages whole and in fragments, control frames in between, and slightly broken ones of all these. */
export function clientFrames (random: Random): Buffer[] {
  const frames: Buffer[] = []
  for (let i = random.between(1, 6); i > 0; i--) {
    random.weighted([
      [8, () => message(random, frames)],
      [3, () => control(random, frames)],
      [1, () => strayContinuation(random, frames)],
      [1, () => frames.push(random.bytes(random.between(1, 20)))]
    ])()
  }
  if (random.oneIn(3)) frames.push(masked(random, { opcode: 8, payload: closePayload(random) }))
  if (random.oneIn(3)) {
    const at = random.below(frames.length)
    frames[at] = mutate(random, frames[at])
  }
  if (random.oneIn(5)) truncate(random, frames)
  return frames
}

/** A frame with a key of its own, and once in a while with something about its header that is not allowed. */
export function masked (random: Random, spec: FrameSpec): Buffer {
  const mask = random.oneIn(20) ? Buffer.alloc(4) : random.bytes(4)
  return frame({ mask, ...spec, ...(random.oneIn(24) ? fault(random) : {}) })
}

function fault (random: Random): Partial<FrameSpec> {
  return random.pick<() => Partial<FrameSpec>>([
    () => ({ rsv: random.between(1, 7) }),
    () => ({ opcode: random.pick([3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) }),
    () => ({ mask: false }),
    () => ({ fin: false }),
    () => ({ lengthBits: 64 }),
    () => ({ length: random.below(126), lengthBits: 16 }),
    () => ({ length: random.below(200_000) }),
    () => ({ length: random.pick([2n ** 31n, 2n ** 32n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n]) })
  ])()
}

function message (random: Random, frames: Buffer[]): void {
  const opcode = random.pick([1, 1, 2])
  const payload = opcode === 1 ? utf8(random, random.size(largestPayload)) : random.bytes(random.size(largestPayload))
  const fragments = random.oneIn(2) ? [payload] : fragmentsOf(random, payload)
  fragments.forEach((fragment, index) => {
    if (index > 0 && random.oneIn(3)) control(random, frames)
    const fin = index === fragments.length - 1 && !random.oneIn(40)
    frames.push(masked(random, { opcode: index === 0 ? opcode : 0, payload: fragment, fin }))
  })
}

/** Cut anywhere, within a character too; some fragments are empty. */
export function fragmentsOf (random: Random, payload: Buffer): Buffer[] {
  const points = random.list(random.between(1, 4), () => random.below(payload.length + 1)).sort((a, b) => a - b)
  return [...points, payload.length].map((end, index) => payload.subarray(index === 0 ? 0 : points[index - 1], end))
}

function control (random: Random, frames: Buffer[]): void {
  const payload = random.bytes(random.oneIn(20) ? random.between(126, 130) : random.size(125))
  frames.push(masked(random, random.oneIn(20) ? { opcode: 8, payload: closePayload(random) } : { opcode: random.pick([9, 10]), payload }))
}

function strayContinuation (random: Random, frames: Buffer[]): void {
  frames.push(masked(random, { opcode: 0, payload: random.bytes(random.below(8)), fin: random.oneIn(2) }))
}

function truncate (random: Random, frames: Buffer[]): void {
  const last = frames[frames.length - 1]
  frames[frames.length - 1] = last.subarray(0, random.below(last.length + 1))
}
