import type { Position } from '../../../types/adapter.ts'

/** What comes from a client as `since` is looked at no further when it is longer. */
const maxLength = 96
const pattern = /^([A-Za-z0-9]{1,64})-(0|[1-9]\d{0,15})$/

/** A place in a history, as clients know it. */
export function eventIdOf ({ epoch, offset }: Position): string {
  return `${epoch}-${offset}`
}

/** Its mirror; null for what is no `eventId`. */
export function parseEventId (eventId: unknown): Position | null {
  if (typeof eventId !== 'string' || eventId.length > maxLength) return null
  const match = pattern.exec(eventId)
  if (match === null) return null
  const offset = Number(match[2])
  return Number.isSafeInteger(offset) ? { epoch: match[1], offset } : null
}
