// What every server shares: its job, equal limits, and the answers to whoever measures it.
import { answerParent, cpuSeconds } from '../common.mjs'

/** The scenario, and the directory of the plugin: `fork('ws.mjs', [JSON])`. */
export const job = JSON.parse(process.argv[2])

export const maxPayload = 2 * 1024 * 1024
/** Longer than any round, so that nothing but replies comes. */
export const quietMs = 600_000
/** Ten thousand connect at once. */
export const backlog = 4096

export function ready (port, version) {
  answerParent({
    mark: () => ({ at: performance.now() / 1000, cpu: cpuSeconds() }),
    collect: () => globalThis.gc()
  })
  process.send({ port, version })
}
