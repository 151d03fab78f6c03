import { isAscii, isUtf8, transcode } from 'node:buffer'
import { versions } from 'node:process'
import type { FastBuffer } from './fast-buffer.ts'

/**
 * From this size on, text that is not ASCII is transcoded by Node's vectorised `transcode` first, and then copied into a string:
 * 3 to 7 GB/s where `utf8Slice` makes 0.3 to 0.7. Not from Node 24 on, whose `utf8Slice` is as fast by itself,
 * nor where Node was built without ICU, which it is a part of.
 */
const transcodeFrom = Number.parseInt(versions.node) < 24 && typeof transcode === 'function' ? 1024 : Infinity

/**
 * The text of a whole payload, or `null` when it is not valid UTF-8.
 *
 * Decoding first and looking for U+FFFD, which Node puts in place of every invalid sequence, takes less than half
 * the time of `isUtf8` first: only a text that has the character can be invalid.
 */
export function decodeUtf8 (payload: Buffer): string | null {
  if (payload.length >= transcodeFrom) return isUtf8(payload) ? decodeValidUtf8(payload) : null
  const text = (payload as FastBuffer).utf8Slice(0, payload.length)
  return text.includes('\ufffd') && !isUtf8(payload) ? null : text
}

/** The text of a payload that is known to be valid. */
export function decodeValidUtf8 (payload: Buffer): string {
  const bytes = payload as FastBuffer
  if (bytes.length < transcodeFrom) return bytes.utf8Slice(0, bytes.length)
  if (isAscii(bytes)) return bytes.latin1Slice(0, bytes.length)
  const units = transcode(bytes, 'utf8', 'utf16le') as FastBuffer
  return units.ucs2Slice(0, units.length)
}

/**
 * Checks UTF-8 that arrives in pieces, and refuses the first byte that can't be right, even when the sequence
 * that it belongs to is not complete (RFC 6455 section 8.1, RFC 3629).
 */
export class Utf8Validator {
  /** The incomplete sequence at the end of what was seen, and how many bytes it has. */
  readonly #tail = new Uint8Array(4)
  #tailLength = 0

  /** Whether the text is valid up to here. */
  push (bytes: Uint8Array): boolean {
    let start = 0
    while (this.#tailLength > 0 && start < bytes.length) {
      this.#tail[this.#tailLength++] = bytes[start++]
      const need = sequenceLength(this.#tail[0])
      if (this.#tailLength === need) {
        if (!isUtf8(this.#tail.subarray(0, need))) return false
        this.#tailLength = 0
      } else if (!isPrefix(this.#tail, 0, this.#tailLength)) {
        return false
      }
    }
    if (start === bytes.length) return true

    const end = completeUntil(bytes, start)
    if (!isUtf8(bytes.subarray(start, end))) return false
    for (let i = end; i < bytes.length; i++) this.#tail[this.#tailLength++] = bytes[i]
    return this.#tailLength === 0 || isPrefix(this.#tail, 0, this.#tailLength)
  }

  /** Whether the text may end here. */
  get complete (): boolean {
    return this.#tailLength === 0
  }

  reset (): void {
    this.#tailLength = 0
  }
}

/** Bytes of the sequence that begins with `lead`; 0 when no sequence begins with it (RFC 3629 section 4). */
function sequenceLength (lead: number): number {
  if (lead < 0x80) return 1
  if (lead < 0xc2) return 0
  if (lead < 0xe0) return 2
  if (lead < 0xf0) return 3
  return lead < 0xf5 ? 4 : 0
}

/** Where an incomplete last sequence begins; the end when there is none. */
function completeUntil (bytes: Uint8Array, start: number): number {
  const end = bytes.length
  for (let back = 1; back <= 3 && end - back >= start; back++) {
    const byte = bytes[end - back]
    if (byte < 0x80) return end
    if (byte >= 0xc0) return sequenceLength(byte) > back ? end - back : end
  }
  return end
}

/** Whether an incomplete sequence can still become valid: the second byte has a narrower range after E0, ED, F0 and F4. */
function isPrefix (bytes: Uint8Array, start: number, length: number): boolean {
  const lead = bytes[start]
  if (sequenceLength(lead) <= length) return false
  if (length > 1) {
    const second = bytes[start + 1]
    const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80
    const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf
    if (second < low || second > high) return false
  }
  for (let i = 2; i < length; i++) {
    if ((bytes[start + i] & 0xc0) !== 0x80) return false
  }
  return true
}
