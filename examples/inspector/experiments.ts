import { bit, opcode } from '../../lib/protocol/frame.ts'
import { encodeFrame, encodeMaskedFrame } from '../../lib/protocol/frame-encoder.ts'

/** The largest message that the inspected route takes, in bytes. */
export const maxPayload = 64 * 1024

/** A key that is easy to follow by hand. Real clients take a new one at random for each frame (RFC 6455 section 5.3). */
const key = 0x11223344

/** What a browser never sends. Most of it breaks a rule, and is answered with a close. */
const experiments = {
  /** One message in three frames: cut within the four bytes of an emoji, with a ping in between. */
  fragments () {
    const text = Buffer.from('Hi 👋 there')
    return [
      encodeMaskedFrame(opcode.text, text.subarray(0, 5), key, false),
      encodeMaskedFrame(opcode.ping, 'still there?', key),
      encodeMaskedFrame(opcode.continuation, text.subarray(5, 9), key, false),
      encodeMaskedFrame(opcode.continuation, text.subarray(9), key)
    ]
  },
  unmasked: () => [encodeFrame(opcode.text, 'Hello')],
  'reserved-bit': () => [withFirstByte(encodeMaskedFrame(opcode.text, 'Hello', key), bit.fin | bit.rsv2 | opcode.text)],
  'reserved-opcode': () => [withFirstByte(encodeMaskedFrame(opcode.text, 'Hello', key), bit.fin | 0x3)],
  'long-ping': () => [encodeMaskedFrame(opcode.ping, 'p'.repeat(126), key)],
  'fragmented-ping': () => [encodeMaskedFrame(opcode.ping, 'pi', key, false)],
  continuation: () => [encodeMaskedFrame(opcode.continuation, 'of what?', key)],
  /** Five bytes need no 16-bit length. */
  'long-length': () => [Buffer.from('81fe00051122334459475f287e', 'hex')],
  utf8: () => [encodeMaskedFrame(opcode.text, Buffer.from('c328', 'hex'), key)],
  /** 1005 says that a close frame had no code: none can have it. */
  'close-code': () => [encodeMaskedFrame(opcode.close, Buffer.from('03ed', 'hex'), key)],
  /** Announced, and not even sent. */
  'too-big': () => [encodeMaskedFrame(opcode.binary, Buffer.alloc(maxPayload + 1), key).subarray(0, 14)]
}

export type ExperimentName = keyof typeof experiments

export const experimentNames = Object.keys(experiments) as ExperimentName[]

/** The bytes of an experiment, as a client sends them. */
export function framesOf (name: ExperimentName): Buffer[] {
  return experiments[name]()
}

function withFirstByte (frame: Buffer, first: number): Buffer {
  frame[0] = first
  return frame
}
