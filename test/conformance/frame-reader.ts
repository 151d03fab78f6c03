import { isUtf8 } from 'node:buffer'
import { readFrame } from '../helpers/bytes.ts'
import type { ReadFrame } from '../helpers/bytes.ts'
import type { Deflation } from './deflation.ts'

export interface ReceivedPayload {
  kind: 'text' | 'binary' | 'ping' | 'pong'
  payload: Buffer
}

export interface ReceivedClose {
  kind: 'close'
  code: number
  reason: string
}

export type Received = ReceivedPayload | ReceivedClose

/** Reads what a server sends, and is as strict with it as the table is. */
export class FrameReader {
  readonly #deflation: Deflation | null
  readonly #onEvent: (event: Received) => void
  #chunks: Buffer[] = []
  #size = 0
  /** How many bytes the next frame has, as far as that is known. */
  #need = 2

  /** The message that fragments build up. */
  #opcode = 0
  #isCompressed = false
  #fragments: Buffer[] = []
  #isClosed = false

  constructor (deflation: Deflation | null, onEvent: (event: Received) => void) {
    this.#deflation = deflation
    this.#onEvent = onEvent
  }

  /** @throws Error in words, where the server breaks the protocol */
  push (chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#size += chunk.length
    if (this.#size < this.#need) return
    let bytes = Buffer.concat(this.#chunks)
    for (;;) {
      this.#need = needed(bytes)
      if (bytes.length < this.#need) break
      const read = readFrame(bytes)
      if (read === null) break
      this.#onFrame(bytes, read.frame)
      bytes = bytes.subarray(read.size)
    }
    this.#chunks = bytes.length === 0 ? [] : [bytes]
    this.#size = bytes.length
  }

  #onFrame (bytes: Buffer, { fin, rsv, opcode, masked, payload }: ReadFrame): void {
    if (this.#isClosed) throw new Error('the server sent a frame after its close frame')
    if (masked) throw new Error('the server masked a frame')
    if (!isMinimal(bytes, payload.length)) throw new Error('the server sent a length in more bytes than it takes')
    if ((rsv & 3) !== 0 || (rsv !== 0 && (this.#deflation === null || opcode === 0 || opcode > 7))) {
      throw new Error(`the server set reserved bits (${rsv}) on a frame with opcode ${opcode}`)
    }
    if (opcode > 7) this.#onControl(fin, opcode, payload)
    else this.#onData(fin, rsv !== 0, opcode, payload)
  }

  #onControl (fin: boolean, opcode: number, payload: Buffer): void {
    if (!fin) throw new Error('the server fragmented a control frame')
    if (payload.length > 125) throw new Error('the server sent a control frame that is too long')
    if (opcode === 9) {
      this.#onEvent({ kind: 'ping', payload })
    } else if (opcode === 10) {
      this.#onEvent({ kind: 'pong', payload })
    } else if (opcode === 8) {
      this.#isClosed = true
      if (payload.length === 1) throw new Error('the server sent a close frame of one byte')
      if (!isUtf8(payload.subarray(2))) throw new Error('the server sent a close reason that is not UTF-8')
      this.#onEvent({ kind: 'close', code: payload.length === 0 ? 1005 : payload.readUInt16BE(0), reason: payload.toString('utf8', 2) })
    } else {
      throw new Error(`the server sent the reserved opcode ${opcode}`)
    }
  }

  #onData (fin: boolean, isCompressed: boolean, opcode: number, payload: Buffer): void {
    if (opcode > 2) throw new Error(`the server sent the reserved opcode ${opcode}`)
    if ((opcode === 0) !== (this.#opcode !== 0)) throw new Error('the server sent fragments out of order')
    if (opcode !== 0) {
      this.#opcode = opcode
      this.#isCompressed = isCompressed
    }
    this.#fragments.push(payload)
    if (!fin) return
    let message = this.#fragments.length === 1 ? payload : Buffer.concat(this.#fragments)
    if (this.#isCompressed && this.#deflation !== null) message = this.#deflation.inflate(message)
    const isText = this.#opcode === 1
    this.#opcode = 0
    this.#fragments = []
    if (isText && !isUtf8(message)) throw new Error('the server sent text that is not UTF-8')
    this.#onEvent({ kind: isText ? 'text' : 'binary', payload: message })
  }
}

/** The size of the frame that begins here, as far as its header is there to tell. */
function needed (bytes: Buffer): number {
  if (bytes.length < 2) return 2
  const length = bytes[1] & 0x7f
  const header = (length < 126 ? 2 : length === 126 ? 4 : 10) + ((bytes[1] & 0x80) === 0 ? 0 : 4)
  if (bytes.length < header) return header
  return header + (length < 126 ? length : length === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2)))
}

function isMinimal (bytes: Buffer, length: number): boolean {
  const form = bytes[1] & 0x7f
  return form < 126 || length > (form === 126 ? 125 : 0xffff)
}
