import type { Random } from './random.ts'

/** Changes bytes in a few places, as a fault of the peer or of the wire would. */
export function mutate (random: Random, bytes: Buffer): Buffer {
  let mutated: Buffer = Buffer.from(bytes)
  for (let i = random.between(1, 3); i > 0; i--) mutated = mutateOnce(random, mutated)
  return mutated
}

function mutateOnce (random: Random, bytes: Buffer): Buffer {
  if (bytes.length === 0) return random.bytes(random.between(1, 4))
  const at = random.below(bytes.length)
  const end = Math.min(bytes.length, at + random.between(1, 16))
  const before = bytes.subarray(0, at)
  switch (random.below(7)) {
    case 0: return patched(bytes, at, bytes[at] ^ (1 << random.below(8)))
    case 1: return patched(bytes, at, random.pick([0x00, 0x01, 0x7e, 0x7f, 0x80, 0xfe, 0xff]))
    case 2: return Buffer.concat([before, random.bytes(random.between(1, 8)), bytes.subarray(at)])
    case 3: return Buffer.concat([before, bytes.subarray(end)])
    case 4: return Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)])
    case 5: return Buffer.from(before)
    default: return splice(bytes, at, end, random.below(bytes.length))
  }
}

function patched (bytes: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at] = value
  return copy
}

/** What stands at one place, put in at another. */
function splice (bytes: Buffer, at: number, end: number, to: number): Buffer {
  return Buffer.concat([bytes.subarray(0, to), bytes.subarray(at, end), bytes.subarray(to)])
}

/** Cuts bytes into chunks of random sizes. */
export function chunked (random: Random, bytes: Buffer): Buffer[] {
  const chunks = []
  const most = random.pick([2, 5, 16, 200, 5000, bytes.length + 1])
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(bytes.length, at + random.between(1, most))
    chunks.push(bytes.subarray(at, end))
    at = end
  }
  return chunks
}
