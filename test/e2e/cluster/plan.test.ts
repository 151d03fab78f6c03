import t from 'tap'
import { planFaults } from './plan.ts'
import { Random } from './random.ts'

const rhythm = { up: [1_000, 3_000], down: [200, 2_000] } as const

t.test('the same seed makes the same plan, another one another', async t => {
  const plan = (seed: number): unknown => planFaults(new Random(seed), 60_000, rhythm)
  t.same(plan(1), plan(1))
  t.notSame(plan(1), plan(2))
})

t.test('nothing is planned but what may be', async t => {
  const plan = planFaults(new Random(1), 60_000, rhythm, ['SIGSTOP'])
  t.ok(plan.length > 5 && plan.every(({ kind }) => kind === 'SIGSTOP'))
})

t.test('faults follow one another, all are over in time, and each kind has its turn', async t => {
  for (let seed = 0; seed < 100; seed++) {
    const plan = planFaults(new Random(seed), 60_000, rhythm)
    let free = 0
    for (const { at, lasts } of plan) {
      if (at < free) t.fail(`seed ${seed}: one at ${at}, before ${free}`)
      free = at + lasts
    }
    if (free > 60_001 || new Set(plan.map(({ kind }) => kind)).size !== 3) t.fail(`seed ${seed}`)
  }
  t.pass('for 100 seeds')
})
