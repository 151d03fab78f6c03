import type { Random } from './random.ts'

/** The pieces that an input is made of: frames, header lines. A finding is made smaller by leaving some out. */
export type Pieces = readonly Buffer[]

/** Something that is fuzzed. */
export interface Target {
  readonly name: string
  /** Makes an input. Everything random about it comes out of `random`. */
  generate (random: Random): Buffer[]
  /** Throws when the input shows a fault. `random` is the same for the same case, however often it is checked. */
  check (pieces: Pieces, random: Random): void | Promise<void>
  /** Before the first case. */
  start? (): Promise<void>
  /** After the last one. Throws when something was left behind. */
  stop? (): Promise<void>
}
