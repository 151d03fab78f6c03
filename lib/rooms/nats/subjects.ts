import { createHash } from 'node:crypto'

/** Longer names, in bytes of UTF-8, are hashed: servers and their tools expect short subjects. */
const longest = 120

/**
 * A channel as one token of a subject. Short names can be read back (`n` and base64url), so that an operator sees which room it is; others are hashed (`h`), also those that are
 * no Unicode, of which two would be the same in UTF-8.
 */
export function tokenOf (channel: string): string {
  const bytes = Buffer.from(channel)
  if (bytes.length <= longest && bytes.toString() === channel) return 'n' + bytes.toString('base64url')
  return 'h' + createHash('sha256').update(channel, 'utf16le').digest('base64url')
}

/** What is published live. */
export function liveSubject (namespace: string, channel: string): string {
  return `${namespace}.live.${tokenOf(channel)}`
}
