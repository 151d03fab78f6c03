import t from 'tap'
import { ServerClock } from '../../../lib/rooms/nats/server-clock.ts'

const hour = 3_600_000

t.test('a clock that agrees with that of the server tells ages as they are', async t => {
  const age = new ServerClock().ageOf(Date.now() - hour)
  t.ok(age >= hour && age < hour + 60_000)
})

t.test('a clock that is behind the server is noticed by a message of the future', async t => {
  const clock = new ServerClock()
  t.equal(clock.ageOf(Date.now() + hour), 0)
  const age = clock.ageOf(Date.now() + hour - 1_000)
  t.ok(age >= 1_000 && age < 60_000)
})

t.test('a clock that is ahead of the server is noticed by a message that was put there just now', async t => {
  const clock = new ServerClock()
  clock.set(Date.now() - hour)
  t.ok(clock.ageOf(Date.now() - hour - 1_000) < 60_000)
})
