import fc from 'fast-check'
import type { IProperty, Parameters } from 'fast-check'
import type { Test } from 'tap'

/** A property that holds for every input tried: one assertion, however many inputs. Its predicate throws (node:assert) or answers false. */
export function holds<Inputs> (t: Test, property: IProperty<Inputs>, parameters: Parameters<Inputs> = {}): void {
  fc.assert(property, parameters)
  t.pass(`holds for ${parameters.numRuns ?? 100} inputs`)
}
