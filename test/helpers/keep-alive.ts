import type { Test } from 'tap'

/** Timers of connections do not keep a process alive; while tests wait for one, something must. */
export function keepAlive (t: Test): void {
  const timer = setInterval(() => {}, 1_000)
  t.teardown(() => clearInterval(timer))
}
