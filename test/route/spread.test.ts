import t from 'tap'
import { spreadOut } from '../../lib/route/spread.ts'
import { deferred } from '../helpers/app.ts'

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

/** What is taken in which order, until all are, and when, in milliseconds. */
async function takeAll (count: number, spread: number): Promise<{ taken: number[], moments: number[] }> {
  const taken: number[] = []
  const moments: number[] = []
  const all = deferred()
  const start = performance.now()
  spreadOut(numbers(count), spread, item => {
    taken.push(item)
    moments.push(performance.now() - start)
    if (taken.length === count) all.resolve()
  })
  await all.promise
  return { taken, moments }
}

for (const [count, spread] of [[0, 1_000], [1, 1_000], [100, 1_000], [5_000, 0]]) {
  t.test(`${count} within ${spread} ms are taken at once`, async t => {
    const taken: number[] = []
    spreadOut(numbers(count), spread, item => { taken.push(item) })
    t.same(taken, numbers(count))
  })
}

for (const [count, spread] of [[101, 200], [300, 200], [300, 5], [5_000, 100], [5_000, 1]]) {
  t.test(`${count} within ${spread} ms are each taken once, in another order, and not all at once`, async t => {
    const { taken, moments } = await takeAll(count, spread)
    t.equal(taken.length, count)
    t.equal(new Set(taken).size, count)
    t.ok(taken.some((item, index) => item !== index))
    t.ok(moments[count - 1] > moments[0])
  })
}

t.test('no two servers that are stopped together choose the same moments', async t => {
  const [one, other] = await Promise.all([takeAll(300, 200), takeAll(300, 200)])
  t.notSame(one.taken, other.taken)
  t.notSame(one.moments, other.moments)
})

t.test('no part comes before its share of the time', async t => {
  const { moments } = await takeAll(200, 400)
  // 40 parts of five, each in 10 ms of its own. A timer may be a millisecond early.
  t.ok(moments.every((moment, index) => moment >= Math.floor(index / 5) * 10 - 2), moments.join(' '))
})

t.test('once stopped, nothing more is taken, and nothing keeps the process', async t => {
  let taken = 0
  const before = process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
  const some = deferred()
  const stop = spreadOut(numbers(500), 60_000, () => {
    taken++
    some.resolve()
  })
  await some.promise
  const takenBefore = taken
  stop()
  t.equal(process.getActiveResourcesInfo().filter(name => name === 'Timeout').length, before)
  t.ok(takenBefore < 500)
})

t.test('stopped at once, it takes nothing', async t => {
  spreadOut(numbers(500), 1, () => { t.fail('not to be taken') })()
  await new Promise(resolve => setTimeout(resolve, 10))
  t.pass('nothing was taken')
})
