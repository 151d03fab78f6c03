/** The most messages of a room that are kept as one of the stream. */
export const mostTogether = 256

/** Offsets of a room's messages: the last one of those that are kept together has the sequence of the stream, so many times; those before it count down. So it is known where the history ends, however many came together. */
export function offsetOf (sequence: number, index: number, count: number): number {
  return headOf(sequence) - (count - 1 - index)
}

/** Where the last one of a sequence is. */
export function headOf (sequence: number): number {
  return sequence * mostTogether
}

/** Where in the stream the message at this offset is kept. */
export function sequenceOf (offset: number): number {
  return Math.ceil(offset / mostTogether)
}
