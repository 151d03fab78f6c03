import type { Random } from './random.ts'

export const faultKinds = ['SIGKILL', 'SIGTERM', 'SIGSTOP'] as const
export type FaultKind = typeof faultKinds[number]

/** What is done to a process, or to the broker. */
export interface Fault {
  /** Milliseconds after the beginning. */
  readonly at: number
  readonly kind: FaultKind
  /** How long until it is started again, or goes on; in milliseconds. */
  readonly lasts: number
}

/** How long somebody is left in peace, and is gone, at least and at most, in milliseconds. */
export interface Rhythm {
  readonly up: readonly [least: number, most: number]
  readonly down: readonly [least: number, most: number]
}

/** The faults of one process, or of the broker, one after the other. Each kind comes up before any comes again. */
export function planFaults (random: Random, milliseconds: number, { up, down }: Rhythm, kinds: readonly FaultKind[] = faultKinds): Fault[] {
  const faults: Fault[] = []
  let left: FaultKind[] = []
  let at = random.between(...up) / 2
  for (;;) {
    if (left.length === 0) left = shuffled(random, kinds)
    const lasts = random.between(...down)
    if (at + lasts > milliseconds) return faults
    faults.push({ at: Math.round(at), kind: left.pop() ?? kinds[0], lasts: Math.round(lasts) })
    at += lasts + random.between(...up)
  }
}

function shuffled<Value> (random: Random, values: readonly Value[]): Value[] {
  return values.map(value => ({ value, at: random.next() })).sort((one, other) => one.at - other.at).map(({ value }) => value)
}
