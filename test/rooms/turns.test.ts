import t from 'tap'
import { Turns } from '../../lib/rooms/turns.ts'

t.test('so many run at once, and the others follow in order, whatever becomes of those before them', async t => {
  const turns = new Turns(2)
  const log: number[] = []
  let [running, most] = [0, 0]
  const results = await Promise.allSettled([1, 2, 3, 4, 5].map(number => turns.take(async () => {
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
  t.equal(await turns.take(async () => 6), 6)
})

t.end()
