import { opcode } from '../../lib/protocol/frame.ts'
import type { FrameSink } from '../../lib/protocol/frame-parser.ts'
import type { CompressedSink, MessageSink } from '../../lib/protocol/message-assembler.ts'

export interface SeenFrame {
  code: number
  fin: boolean
  payload: string
}

/** Keeps what a FrameParser hands over; payloads as hexadecimal text. */
export class FrameRecorder implements FrameSink {
  readonly headers: Array<{ code: number, length: number }> = []
  /** The opcodes of the headers with RSV1. */
  readonly rsv1: number[] = []
  readonly parts: Array<{ code: number, part: string }> = []
  readonly frames: SeenFrame[] = []
  /** Called after each frame, to pause or stop the parser. */
  afterFrame: () => void = () => {}

  onHeader (code: number, length: number, rsv1: boolean): void {
    this.headers.push({ code, length })
    if (rsv1) this.rsv1.push(code)
  }

  onPart (code: number, part: Buffer): void {
    this.parts.push({ code, part: part.toString('hex') })
  }

  onShortText (bytes: Buffer, start: number, end: number): void {
    this.onFrame(opcode.text, true, bytes.subarray(start, end))
  }

  onFrame (code: number, fin: boolean, payload: Buffer): void {
    this.frames.push({ code, fin, payload: payload.toString('hex') })
    this.afterFrame()
  }
}

export type SeenEvent =
  | { text: string }
  | { binary: string }
  | { ping: string }
  | { pong: string }
  | { close: number, reason: string }
  | { compressed: string, code: number }

/** Keeps what a MessageAssembler hands over; bytes as hexadecimal text. */
export class MessageRecorder implements MessageSink, CompressedSink {
  readonly events: SeenEvent[] = []

  onText (text: string): void {
    this.events.push({ text })
  }

  onBinary (payload: Buffer): void {
    this.events.push({ binary: payload.toString('hex') })
  }

  onPing (payload: Buffer): void {
    this.events.push({ ping: payload.toString('hex') })
  }

  onPong (payload: Buffer): void {
    this.events.push({ pong: payload.toString('hex') })
  }

  onCloseFrame (code: number, reason: string): void {
    this.events.push({ close: code, reason })
  }

  onCompressed (code: number, payload: Buffer): void {
    this.events.push({ compressed: payload.toString('hex'), code })
  }
}
