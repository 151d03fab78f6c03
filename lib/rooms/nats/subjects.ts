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

/** What processes publish. */
export function liveSubject (namespace: string, channel: string): string {
  return `${namespace}.live.${tokenOf(channel)}.message`
}

/** What histories publish: only servers do, so that clients may be forbidden to. */
export function eventSubject (namespace: string, channel: string): string {
  return `${namespace}.live.${tokenOf(channel)}.event`
}

/** Both. */
export function anySubject (namespace: string, channel: string): string {
  return `${namespace}.live.${tokenOf(channel)}.*`
}

/** Where histories publish what was appended: the star of their own subjects is the channel. */
export function anyEventSubject (namespace: string): string {
  return `${namespace}.live.{{wildcard(1)}}.event`
}

/** Whether it is one of a history. */
export function isEventSubject (subject: string): boolean {
  return subject.endsWith('.event')
}

/** @param key which settings */
export function historySubject (namespace: string, key: string, token: string): string {
  return `${namespace}.history.${key}.${token}`
}

/** Where a part of a history is brought to. */
export function replaySubject (namespace: string, id: string): string {
  return `${namespace}.replay.${id}`
}

/** @param id which nobody had before */
export function nameOfStream (namespace: string, key: string, id: string): string {
  return `${namespace}_${key}_${id}`
}

/** What `nameOfStream` makes. */
export function streamPattern (namespace: string): RegExp {
  return new RegExp(`^${namespace}_\\d+-\\d+_[0-9a-f]{16}$`)
}
