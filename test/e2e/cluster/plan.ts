import type { Random } from './random.ts'

export type FaultKind = 'SIGKILL' | 'SIGTERM' | 'SIGSTOP'

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
export function planFaults (random: Random, milliseconds: number, { up, down }: Rhythm): Fault[] {
  const faults: Fault[] = []
  let kinds: FaultKind[] = []
  let at = random.between(...up) / 2
  for (;;) {
    if (kinds.length === 0) kinds = shuffled(random, ['SIGKILL', 'SIGTERM', 'SIGSTOP'])
    const lasts = random.between(...down)
    if (at + lasts > milliseconds) return faults
    faults.push({ at: Math.round(at), kind: kinds.pop() ?? 'SIGKILL', lasts: Math.round(lasts) })
    at += lasts + random.between(...up)
  }
}

function shuffled<Value> (random: Random, values: readonly Value[]): Value[] {
  return values.map(value => ({ value, at: random.next() })).sort((one, other) => one.at - other.at).map(({ value }) => value)
}
