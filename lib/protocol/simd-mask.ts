import { littleEndianKey } from './masking-key.ts'

/** simd-mask.wat, assembled: the test of this file does it again and compares. */
export const assembled = 'AGFzbQEAAAABBgFgAn9/AAMCAQAFAwEAAQcRAgZtZW1vcnkCAARtYXNrAAAKYAFeAgF/AXsgAf0RIQMDQCACIAL9AAQAIAP9Uf0LBAAg' +
  'AiAC/QAEECAD/VH9CwQQIAIgAv0ABCAgA/1R/QsEICACIAL9AAQwIAP9Uf0LBDAgAkHAAGohAiACIABJDQALCw=='

/** What simd-mask.wat exports. */
interface MaskExports {
  readonly memory: { readonly buffer: ArrayBuffer }
  mask (end: number, key: number): void
}

/** Of what every Node has, the little that is needed here: Node's types leave it to those of the DOM. */
interface WithWebAssembly {
  readonly WebAssembly: {
    readonly Module: new (bytes: Uint8Array) => object
    readonly Instance: new (module: object) => { readonly exports: MaskExports }
  }
}

/**
 * Masks through the memory of a WebAssembly module that takes 64 bytes at a time: the copies in and out included, 27 to 37 GB/s,
 * where 32-bit words in JavaScript reach 9.
 */
export class SimdMask {
  readonly #window: Buffer
  readonly #mask: MaskExports['mask']

  constructor ({ memory, mask }: MaskExports) {
    this.#window = Buffer.from(memory.buffer)
    this.#mask = mask
  }

  /**
   * @param key its first byte, highest, is that of the first of `bytes`
   * @param target where the masked bytes go, from `at` on; it may be `bytes`
   */
  mask (bytes: Buffer, key: number, target: Buffer, at: number): void {
    const window = this.#window
    const word = littleEndianKey(key)
    for (let from = 0; from < bytes.length; from += window.length) {
      const length = Math.min(window.length, bytes.length - from)
      window.set(length === bytes.length ? bytes : bytes.subarray(from, from + length))
      this.#mask(length, word)
      window.copy(target, at + from, 0, length)
    }
  }
}

export function loadSimdMask (): SimdMask | null {
  try {
    const global: object = globalThis
    const { WebAssembly } = global as WithWebAssembly
    return new SimdMask(new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(assembled, 'base64'))).exports)
  } catch {
    return null
  }
}
