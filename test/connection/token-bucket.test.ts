import t from 'tap'
import { TokenBucket } from '../../lib/connection/token-bucket.ts'

t.test('a bucket is full at first, and has tokens until they are spent', async t => {
  const bucket = new TokenBucket({ perSecond: 1, burst: 3 }, 0)
  for (let i = 0; i < 3; i++) {
    t.ok(bucket.has(0))
    bucket.take(1, 0)
  }
  t.notOk(bucket.has(0))
  t.equal(bucket.debt(0), 0)
})

t.test('tokens come with time, and never more than the burst', async t => {
  const bucket = new TokenBucket({ perSecond: 2, burst: 3 }, 1_000)
  bucket.take(3, 1_000)
  t.notOk(bucket.has(1_499))
  t.ok(bucket.has(1_500))
  bucket.take(1, 1_500)
  t.notOk(bucket.has(1_500))
  t.equal(bucket.untilFull(1_500), 1_500)
  t.equal(bucket.untilFull(100_000), 0)
  bucket.take(3, 100_000)
  t.notOk(bucket.has(100_000))
})

t.test('what costs more than the bucket holds leaves a debt, which is paid for in time', async t => {
  const bucket = new TokenBucket({ perSecond: 100, burst: 10 }, 0)
  t.ok(bucket.has(0))
  bucket.take(1_010, 0)
  t.notOk(bucket.has(0))
  t.equal(bucket.debt(0), 10_000)
  t.equal(bucket.debt(9_000), 1_000)
  t.equal(bucket.debt(10_000), 0)
  t.ok(bucket.has(10_010))
})

t.test('a fine is paid whole, and many of them leave a debt of one and a burst', async t => {
  const bucket = new TokenBucket({ perSecond: 100, burst: 10 }, 0)
  bucket.take(10, 0)
  bucket.fine(500, 0)
  t.equal(bucket.debt(0), 5_000)
  for (let i = 0; i < 100; i++) bucket.fine(500, 0)
  t.equal(bucket.debt(0), 5_100)
  bucket.fine(5, 0)
  t.equal(bucket.debt(0), 5_100, 'a small one forgives nothing')
})

t.test('a clock that stands still gives no tokens', async t => {
  const bucket = new TokenBucket({ perSecond: 1_000_000, burst: 1 }, 5)
  bucket.take(1, 5)
  t.notOk(bucket.has(5))
})
