import { Random } from './random.ts'
import { shrink } from './shrink.ts'
import type { Pieces, Target } from './target.ts'

/** A case that shows a fault. */
export interface Finding {
  readonly target: string
  readonly seed: number
  readonly number: number
  readonly error: unknown
  /** The input, as small as it could be made. */
  readonly pieces: Pieces
}

/** The input of one case. */
export function inputOf (target: Target, seed: number, number: number): Buffer[] {
  return target.generate(new Random(seed, target.name, number, 'input'))
}

/** Checks an input as that case; answers what it throws, `null` when there is no fault. */
export async function faultOf (target: Target, seed: number, number: number, pieces: Pieces): Promise<unknown> {
  try {
    await target.check(pieces, new Random(seed, target.name, number, 'check'))
    return null
  } catch (error) {
    return error
  }
}

/**
 * Runs one case; answers the finding, made small, `null` when there is no fault.
 *
 * @param onFault called before that, which takes a while
 */
export async function runCase (target: Target, seed: number, number: number, onFault: (error: unknown) => void = () => {}): Promise<Finding | null> {
  const pieces = inputOf(target, seed, number)
  const error = await faultOf(target, seed, number, pieces)
  if (error === null) return null
  onFault(error)
  const smallest = await shrink(pieces, async smaller => await faultOf(target, seed, number, smaller) !== null)
  return { target: target.name, seed, number, error: await faultOf(target, seed, number, smallest) ?? error, pieces: smallest }
}
