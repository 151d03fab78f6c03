import type { Test } from 'tap'
import type { WsPluginOptions } from '../../types/index.ts'
import { runCases, selectCases } from './runner.ts'
import type { Outcome, RunOptions } from './runner.ts'
import { startOurs } from './servers.ts'
import { table } from './table.ts'

/** For a step that must succeed: whoever shares the machine may take most of it. */
export const ampleTime = 60_000

/** For a whole run of the table, on the same machine. */
export const testTimeout = 300_000

/** The table passes against this package, with an assertion for each of its groups. */
export async function conforms (t: Test, options: WsPluginOptions, run: RunOptions): Promise<void> {
  const target = await startOurs(t, options, run.http2)
  const byGroup = new Map<string, Outcome[]>()
  for (const outcome of await runCases(selectCases(table, run), target, { ...run, patience: ampleTime })) {
    const { group } = outcome.case
    const title = `${group.id} ${group.title}`
    byGroup.set(title, [...byGroup.get(title) ?? [], outcome])
  }
  for (const [title, outcomes] of byGroup) {
    const faults = outcomes.filter(({ fault }) => fault !== null).map(outcome => `${outcome.case.id} ${outcome.case.title}: ${outcome.fault}`)
    t.same(faults, [], `${title}: ${outcomes.length} cases`)
  }
}
