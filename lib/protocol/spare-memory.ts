/** Sizes of the buffers that are kept: powers of two. */
const smallest = 4 * 1024
const largest = 512 * 1024
const doublingsTo = (size: number): number => 31 - Math.clz32(size / smallest)

/** How many of each size: 4 MiB in all. */
const most = 4

/** By how often `smallest` is doubled. */
const spares: Buffer[][] = Array.from({ length: doublingsTo(largest) + 1 }, () => [])

/**
 * A buffer to gather bytes in, of at most `size` bytes and more than half as many: a spare one where there is one. Memory outside of
 * V8's heap is what makes it collect garbage, and one such collection takes as long as hundreds of messages.
 */
export function takeMemory (size: number): Buffer {
  if (size < smallest || size >= 2 * largest) return Buffer.allocUnsafeSlow(size)
  const doublings = doublingsTo(size)
  return spares[doublings].pop() ?? Buffer.allocUnsafeSlow(smallest << doublings)
}

/** Gives back what `takeMemory` gave, once nobody has a view of it. */
export function giveMemory (buffer: Buffer): void {
  const { length } = buffer
  if (length < smallest || length > largest || (length & (length - 1)) !== 0) return
  const kept = spares[doublingsTo(length)]
  if (kept.length < most) kept.push(buffer)
}
