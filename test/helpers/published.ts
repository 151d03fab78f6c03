import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Test } from 'tap'

/** What is published on a channel of this package until the test ends. */
export function published (t: Test, name: string): Array<Record<string, unknown>> {
  const messages: Array<Record<string, unknown>> = []
  const listener = (message: unknown): void => { messages.push(message as Record<string, unknown>) }
  subscribe(`fastify-typed-ws:${name}`, listener)
  t.after(() => unsubscribe(`fastify-typed-ws:${name}`, listener))
  return messages
}
