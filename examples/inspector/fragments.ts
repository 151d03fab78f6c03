import { opcode } from '../../lib/protocol/frame.ts'
import { encodeFrame } from '../../lib/protocol/frame-encoder.ts'

/** A text in so many frames: the first says what it is, the last that it is the last (RFC 6455 section 5.4). */
export function cutIntoFrames (text: string, parts: number): Buffer[] {
  const bytes = Buffer.from(text)
  const size = Math.ceil(bytes.length / parts)
  return Array.from({ length: parts }, (_, index) => {
    const part = bytes.subarray(index * size, (index + 1) * size)
    return encodeFrame(index === 0 ? opcode.text : opcode.continuation, part, index === parts - 1)
  })
}
