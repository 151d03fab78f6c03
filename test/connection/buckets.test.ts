import t from 'tap'
import { Agenda } from '../../lib/connection/agenda.ts'
import { Buckets, KeyedBuckets } from '../../lib/connection/buckets.ts'
import { Rates, ServerRates } from '../../lib/connection/rates.ts'
import { defaultLimits, resolveLimits } from '../../lib/limit-options.ts'

/** So slow that no bucket is full again while a test runs. */
const slow = { messages: { perSecond: 0.001, burst: 5 }, bytes: null }

t.test('connections with one key have the same buckets, those with another have their own', async t => {
  const keyed = new KeyedBuckets(slow, new Agenda())
  t.equal(keyed.take('a'), keyed.take('a'))
  t.not(keyed.take('a'), keyed.take('b'))
  t.equal(keyed.size, 2)
})

t.test('full buckets are forgotten with the last connection of their key', async t => {
  const agenda = new Agenda()
  const keyed = new KeyedBuckets(slow, agenda)
  const buckets = keyed.take('a')
  keyed.take('a')
  buckets.release()
  t.equal(keyed.size, 1)
  buckets.release()
  t.equal(keyed.size, 0)
  t.equal(agenda.size, 0)
})

t.test('buckets that are not full outlive the last connection of their key, so that connecting anew does not fill them', async t => {
  const agenda = new Agenda()
  const keyed = new KeyedBuckets(slow, agenda)
  const buckets = keyed.take('a')
  buckets.messages?.take(5, performance.now())
  buckets.release()
  t.equal(agenda.size, 1)
  t.equal(keyed.take('a'), buckets)
  t.notOk(buckets.messages?.has(performance.now()))
  t.equal(agenda.size, 0, 'nothing is due while they are used')
})

t.test('abandoned buckets are forgotten once they are full again', async t => {
  const keyed = new KeyedBuckets({ messages: { perSecond: 1_000, burst: 5 }, bytes: { perSecond: 1_000, burst: 5 } }, new Agenda())
  const buckets = keyed.take('a')
  buckets.bytes?.take(10, performance.now())
  buckets.release()
  t.equal(keyed.size, 1)
  while (keyed.size > 0) await new Promise(resolve => setTimeout(resolve, 1))
  t.equal(buckets.untilFull(performance.now()), 0)
})

t.test('no more than 10,000 keys without a connection are remembered, the latest', async t => {
  const agenda = new Agenda()
  const keyed = new KeyedBuckets(slow, agenda)
  const used = keyed.take('used')
  const first = keyed.take('first')
  first.messages?.take(5, performance.now())
  first.release()
  for (let i = 0; i < 10_500; i++) {
    const buckets = keyed.take(`key ${i}`)
    buckets.messages?.take(5, performance.now())
    buckets.release()
  }
  t.equal(keyed.size, 10_001)
  t.equal(agenda.size, 10_000)
  t.equal(keyed.take('used'), used)
  t.not(keyed.take('first'), first)
  for (let i = 0; i < 10_500; i++) keyed.take(`key ${i}`)
  t.equal(agenda.size, 0)
})

t.test('a connection that has gone is due no more, and releases what it shared', async t => {
  const agenda = new Agenda()
  const keyed = new KeyedBuckets({ messages: null, bytes: { perSecond: 1_000_000_000, burst: 1 } }, agenda)
  const own = new Buckets(slow, performance.now())
  const throttled: boolean[] = []
  const rates = new Rates({ throttle: on => { throttled.push(on) }, onLimited () {} }, agenda, 'slow', own, keyed.take('a'))
  for (let i = 0; i < 7; i++) rates.takeMessage()
  t.same(throttled, [true], 'it is held once')
  t.equal(agenda.size, 1)
  t.equal(rates.end(), true)
  t.equal(agenda.size, 0)
  t.equal(keyed.size, 0)
  t.same(throttled, [true])
})

t.test('nothing is read before others of the key have paid for what they sent meanwhile', async t => {
  const agenda = new Agenda()
  const keyed = new KeyedBuckets({ messages: { perSecond: 1, burst: 1 }, bytes: null }, agenda)
  const throttled: boolean[] = []
  const rates = new Rates({ throttle: on => { throttled.push(on) }, onLimited () {} }, agenda, 'slow', null, keyed.take('a'))
  rates.takeMessage()
  rates.takeMessage()
  const { due } = rates
  keyed.take('a').messages?.take(10, performance.now())
  rates.onDue(due)
  t.same(throttled, [true])
  t.ok(rates.due > due + 9_000)
  // At that very moment a number may still lack the last bit of a token.
  rates.onDue(rates.due + 1)
  t.same(throttled, [true, false])
})

t.test('what is left of a connection that has gone is not slowed', async t => {
  const agenda = new Agenda()
  const rates = new Rates({ throttle () { t.fail('there is nothing to read from') }, onLimited () {} }, agenda, 'slow', new Buckets(slow, performance.now()), null)
  t.equal(rates.end(), false)
  for (let i = 0; i < 10; i++) t.ok(rates.takeMessage())
  t.equal(agenda.size, 0)
})

t.test('a route without rates has none, and so has a connection without a key where only keys have rates', async t => {
  const rates = new ServerRates(new Agenda())
  const owner = { throttle () {}, onLimited () {} }
  t.equal(rates.of(defaultLimits), null)
  t.equal(rates.of(resolveLimits({ perKey: { messages: Infinity }, bytes: Infinity }, defaultLimits)), null)
  const ofKeys = rates.of(resolveLimits({ perKey: { messages: 1 } }, defaultLimits))
  t.equal(ofKeys?.of(owner, undefined), null)
  t.ok(ofKeys?.of(owner, 'a'))
  t.ok(rates.of(resolveLimits({ bytes: 1 }, defaultLimits))?.of(owner, undefined))
})
