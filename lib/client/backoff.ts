/** Milliseconds. */
export interface Pauses {
  readonly base: number
  readonly cap: number
}

/** How long until the next attempt, after so many that failed: full jitter, so that thousands that were lost together do not come back together. Milliseconds. */
export function pauseBefore (attempt: number, pauses: Pauses, random = Math.random): number {
  return random() * longestPause(attempt, pauses)
}

export function longestPause (attempt: number, { base, cap }: Pauses): number {
  return Math.min(cap, base * 2 ** attempt)
}
