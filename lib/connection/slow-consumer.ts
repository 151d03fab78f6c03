import type { ResolvedSlowConsumer } from '../options.ts'

/** What becomes of a message to a client that does not read, once as much waits for it as may. */
export type SlowConsumer = ResolvedSlowConsumer

/** What became of a message, or of its receiver. */
export type SlowConsumerOutcome = 'closed' | 'dropped' | 'replaced'

/**
 * What a message is about, told apart by room; null for a message that replaces none.
 *
 * @param room `''` for what is sent to one connection
 */
export function messageKey ({ key }: SlowConsumer, room: string, message: unknown): string | null {
  const value = key === null ? null : key(message)
  return typeof value === 'string' || typeof value === 'number' ? `${room.length}:${room}${value}` : null
}
