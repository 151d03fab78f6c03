import t from 'tap'
import { FewAtOnce } from '../../lib/rooms/few-at-once.ts'

t.test('so many run at once, and the others follow in order, whatever becomes of those before them', async t => {
  const few = new FewAtOnce(2)
  const log: number[] = []
  let [running, most] = [0, 0]
  const results = await Promise.allSettled([1, 2, 3, 4, 5].map(number => few.run(async () => {
    log.push(number)
    most = Math.max(most, ++running)
    await new Promise(resolve => { setImmediate(resolve) })
    running--
    if (number % 2 === 0) throw new Error(String(number))
    return number
  })))
  t.same(log, [1, 2, 3, 4, 5])
  t.equal(most, 2)
  t.same(results.map(result => result.status === 'fulfilled' ? result.value : result.reason.message), [1, '2', 3, '4', 5])
  t.equal(await few.run(async () => 6), 6)
  t.equal(few.size, 0)
})
