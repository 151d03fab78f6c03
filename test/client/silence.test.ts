import t from 'tap'
import { Silence } from '../../lib/client/silence.ts'
import { deferred } from '../helpers/app.ts'
import { VirtualTime } from '../helpers/virtual-time.ts'

t.test('it is told once it is too long', async t => {
  const dead = deferred()
  const silence = new Silence(dead.resolve)
  silence.end()
  silence.watch(20)
  const begin = Date.now()
  await dead.promise
  t.ok(Date.now() - begin >= 20)
  t.ok(silence.isTooLong)
})

t.test('what comes puts it off', async t => {
  const dead = deferred()
  const silence = new Silence(dead.resolve)
  silence.end()
  silence.watch(60)
  const begin = Date.now()
  setTimeout(() => silence.end(), 40)
  await dead.promise
  t.ok(Date.now() - begin >= 95, 'counted from what came last')
})

t.test('what came while nothing could run counts', async t => {
  const silence = new Silence(() => t.fail('it was not silent'))
  silence.end()
  silence.watch(15)
  // As a payload that arrives meanwhile: it is read behind the timers that are due.
  const read = new Promise(resolve => setTimeout(resolve, 15))
  const until = Date.now() + 40
  while (Date.now() < until);
  await read
  silence.end()
  silence.stop()
})

t.test('without a limit it lasts for ever', async t => {
  const silence = new Silence(() => t.fail())
  silence.watch(Infinity)
  t.notOk(silence.isTooLong)
})

t.test('a clock that is put back prolongs it by nothing more', async t => {
  const time = new VirtualTime()
  time.take()
  try {
    let isDead = false
    const silence = new Silence(() => { isDead = true })
    silence.end()
    silence.watch(1_000)
    time.pass(500)
    // Longer than any timer runs: those who would wait that long look again and again.
    time.offset = -(2 ** 32)
    time.pass(1_600)
    t.ok(isDead)
    t.equal(time.pending, 0)
  } finally {
    time.giveBack()
  }
})
