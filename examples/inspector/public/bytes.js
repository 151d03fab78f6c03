/** Bytes from hexadecimal. */
export function fromHex (hex) {
  return Uint8Array.from({ length: hex.length / 2 }, (_, index) => Number.parseInt(hex.slice(2 * index, 2 * index + 2), 16))
}

export function inHex (byte) {
  return byte.toString(16).padStart(2, '0')
}

export function inBits (byte) {
  return byte.toString(2).padStart(8, '0')
}

/** A byte as text programs show it: what is no printable ASCII is a dot. */
export function inAscii (byte) {
  return byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : byte === 0x20 ? '␣' : '·'
}

/** What the bytes say in UTF-8; what is none, or is cut, becomes U+FFFD. */
export function inText (bytes) {
  return new TextDecoder().decode(bytes)
}

/**
 * For each byte, the character that it is a part of: `{ text, index, size }`; null where it is none of UTF-8, or where the character began in the frame before
 * or ends in the next.
 */
export function charactersOf (bytes) {
  const characters = new Array(bytes.length).fill(null)
  for (let at = 0; at < bytes.length; at++) {
    const size = sizeOfCharacter(bytes[at])
    const text = decode(bytes.subarray(at, at + size))
    if (size === 0 || text === null) continue
    for (let index = 0; index < size; index++) characters[at + index] = { text, index, size }
    at += size - 1
  }
  return characters
}

/** A first byte says how many there are (RFC 3629 section 3); 0 for a byte that is none. */
function sizeOfCharacter (first) {
  if (first < 0x80) return 1
  if (first < 0xc2) return 0
  if (first < 0xe0) return 2
  if (first < 0xf0) return 3
  return first < 0xf5 ? 4 : 0
}

function decode (bytes) {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    return text === '' ? null : text
  } catch {
    return null
  }
}
