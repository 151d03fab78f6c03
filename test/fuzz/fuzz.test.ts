import t from 'tap'
import { report } from './findings.ts'
import { faultOf, inputOf, runCase } from './fuzz.ts'
import type { Target } from './target.ts'
import { targets } from './targets.ts'
import { vectors } from './vectors.ts'

const seeds = [1, 2]

/** How many cases of each seed fit into a second or two. */
const counts: Readonly<Record<string, number>> = { core: 60, utf8: 200, 'ws-oracle': 150, handshake: 2000, server: 60, deflate: 30 }

const firstInputs = (target: Target, seed: number): string[] =>
  Array.from({ length: 20 }, (_, number) => Buffer.concat(inputOf(target, seed, number)).toString('hex'))

for (const target of targets) {
  t.test(`${target.name}: the same seed makes the same cases, and another one others`, async t => {
    t.same(firstInputs(target, 7), firstInputs(target, 7))
    t.not(firstInputs(target, 7).join(), firstInputs(target, 8).join())
  })

  t.test(`${target.name}: no case of some seeds shows a fault, and nothing is left behind`, async t => {
    await target.start?.()
    for (const seed of seeds) {
      for (let number = 0; number < counts[target.name]; number++) {
        const finding = await runCase(target, seed, number)
        if (finding !== null) t.fail(report(finding))
      }
    }
    await t.resolves(async () => { await target.stop?.() })
  })

  t.test(`${target.name}: what was found before stays repaired`, async t => {
    await target.start?.()
    for (const { title, seed, number, pieces } of vectors.filter(vector => vector.target === target.name)) {
      // Chunks and the moment at which a client goes differ from number to number.
      for (let other = number; other < number + 6; other++) t.equal(await faultOf(target, seed, other, pieces), null, title)
    }
    await target.stop?.()
  })
}
