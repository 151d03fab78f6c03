import fc from 'fast-check'
import type { IAsyncProperty, IProperty, Parameters } from 'fast-check'
import type { Test } from 'tap'

/** A property that holds for every input tried: one assertion, however many inputs. Its predicate throws (node:assert) or answers false. */
export function holds<Inputs> (t: Test, property: IProperty<Inputs>, parameters: Parameters<Inputs> = {}): void {
  fc.assert(property, parameters)
  t.pass(`holds for ${parameters.numRuns ?? 100} inputs`)
}

/** The same of a predicate that has to wait for something. */
export async function holdsLater<Inputs> (t: Test, property: IAsyncProperty<Inputs>, parameters: Parameters<Inputs> = {}): Promise<void> {
  await fc.assert(property, parameters)
  t.pass(`holds for ${parameters.numRuns ?? 100} inputs`)
}
