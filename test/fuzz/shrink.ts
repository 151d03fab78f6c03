import type { Pieces } from './target.ts'

/** How often, and for how many milliseconds, a finding is tried again while it is made smaller. */
const attempts = 400
const patience = 30_000

/** Leaves out pieces, then bytes, as long as the input still shows a fault. */
export async function shrink (pieces: Pieces, fails: (pieces: Pieces) => Promise<boolean>): Promise<Pieces> {
  let left = attempts
  const end = performance.now() + patience
  const stillFails = async (smaller: Pieces): Promise<boolean> => left-- > 0 && performance.now() < end && await fails(smaller)
  let smallest = await without(pieces, stillFails, rest => rest)
  for (let i = 0; i < smallest.length; i++) {
    const before = smallest.slice(0, i)
    const after = smallest.slice(i + 1)
    const bytes = await without([...smallest[i]], stillFails, rest => [...before, Buffer.from(rest), ...after])
    smallest = [...before, Buffer.from(bytes), ...after]
  }
  return smallest
}

/** Leaves out runs of elements, long ones first. */
async function without<Element> (
  elements: readonly Element[], fails: (pieces: Pieces) => Promise<boolean>, toPieces: (elements: readonly Element[]) => Pieces
): Promise<readonly Element[]> {
  let smallest = elements
  for (let run = Math.ceil(elements.length / 2); run >= 1; run = run === 1 ? 0 : Math.ceil(run / 2)) {
    for (let at = 0; at + run <= smallest.length;) {
      const rest = [...smallest.slice(0, at), ...smallest.slice(at + run)]
      if (await fails(toPieces(rest))) smallest = rest
      else at += run
    }
  }
  return smallest
}
