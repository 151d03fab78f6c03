/*
 * Names of keys and channels in Redis: `<namespace>:{<channel>}` and a suffix. What stands between the braces tells a cluster where the key is, so that all keys of a channel are
 * in one place, and a script may use them together.
 */

/** Braces would end the tag, a lone surrogate has no bytes; of nothing between the braces nothing would be told. */
export function keyOf (namespace: string, channel: string): string {
  const tag = channel === '' ? '%' : channel.replace(/[{}%]|\p{Surrogate}/gu, character => `%${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return `${namespace}:{${tag}}`
}

/** The number of slots of a cluster. */
export const slotCount = 16_384

/** CRC-16/XMODEM of each byte. */
const table = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8
  for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021
  return crc
})

/** The slot of a key that `keyOf` made. */
export function slotOf (key: string): number {
  const start = key.indexOf('{') + 1
  let crc = 0
  for (const byte of Buffer.from(key.slice(start, key.indexOf('}', start)))) crc = ((crc << 8) & 0xffff) ^ table[(crc >> 8) ^ byte]
  return crc % slotCount
}
