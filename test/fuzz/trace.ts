import { FrameParser } from '../../lib/protocol/frame-parser.ts'
import { MessageAssembler } from '../../lib/protocol/message-assembler.ts'
import { ProtocolError } from '../../lib/protocol/protocol-error.ts'
import { MessageRecorder } from '../helpers/sinks.ts'
import type { SeenEvent } from '../helpers/sinks.ts'

/** What the core made of some bytes: what it handed over, and how it ended. */
export interface Trace {
  events: SeenEvent[]
  /** The violation's code; `closed` after a close frame; `open` when more may follow. */
  end: string
  /** What answers the violation; 0 for none. */
  closeCode: number
}

export interface TraceOptions {
  masked?: boolean
  maxPayload: number
  /** Whether permessage-deflate was agreed on. */
  deflate?: boolean
  /** Whether to pause after the event that was just handed over. */
  pauses?: () => boolean
  /** Whether to resume a paused parser before the next chunk; in the end it is. */
  resumes?: () => boolean
}

/** Gives chunks to the core, each as memory of its own: payloads are unmasked in place. */
export function traceOf (chunks: readonly Buffer[], { masked = true, maxPayload, deflate = false, pauses = () => false, resumes = () => true }: TraceOptions): Trace {
  const sink = new PausingRecorder(pauses)
  const parser = new FrameParser(new MessageAssembler(sink, maxPayload, deflate ? sink : null), masked, deflate)
  sink.parser = parser
  let violation: ProtocolError | null = null
  let given = 0
  try {
    for (const chunk of chunks) {
      given += chunk.length
      parser.push(Buffer.from(chunk))
      while (parser.paused && resumes()) parser.resume()
      if (parser.buffered > 2 * given + 4096) throw new Error(`${parser.buffered} bytes held of ${given} given`)
    }
    while (parser.paused) parser.resume()
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    violation = error
  }
  return {
    events: sink.events,
    end: violation?.code ?? (sink.events.some(event => 'close' in event) ? 'closed' : 'open'),
    closeCode: violation?.closeCode ?? 0
  }
}

/** Stops the parser at a close frame, as a connection does, and pauses it when told to. */
class PausingRecorder extends MessageRecorder {
  parser: FrameParser | null = null
  readonly #pauses: () => boolean

  constructor (pauses: () => boolean) {
    super()
    this.#pauses = pauses
  }

  override onText (text: string): void {
    super.onText(text)
    this.#pause()
  }

  override onBinary (payload: Buffer): void {
    super.onBinary(payload)
    this.#pause()
  }

  override onPing (payload: Buffer): void {
    super.onPing(payload)
    this.#pause()
  }

  override onCloseFrame (code: number, reason: string): void {
    super.onCloseFrame(code, reason)
    this.parser?.stop()
  }

  override onCompressed (code: number, payload: Buffer): void {
    super.onCompressed(code, payload)
    this.#pause()
  }

  #pause (): void {
    if (this.#pauses()) this.parser?.pause()
  }
}
