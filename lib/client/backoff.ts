/** How long until the next attempt, after so many that failed: full jitter, so that thousands that were lost together do not come back together. Milliseconds. */
export function pauseBefore (attempt: number, base: number, cap: number, random = Math.random): number {
  return random() * longestPause(attempt, base, cap)
}

export function longestPause (attempt: number, base: number, cap: number): number {
  return Math.min(cap, base * 2 ** attempt)
}
