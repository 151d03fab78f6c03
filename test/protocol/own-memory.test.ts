import t from 'tap'
import { ownMemory } from '../../lib/protocol/own-memory.ts'

t.test('a small part of a larger piece of memory is copied', async t => {
  const whole = Buffer.alloc(1000, 'a')
  const part = whole.subarray(100, 200)
  const own = ownMemory(part)
  t.equal(own.buffer.byteLength, 100)
  t.same(own, part)
  whole.fill('b')
  t.equal(own.toString(), 'a'.repeat(100))
})

t.test('what is at least half of its memory stays where it is', async t => {
  const whole = Buffer.alloc(1000)
  for (const part of [whole, whole.subarray(0, 500), whole.subarray(500), whole.subarray(1)]) t.equal(ownMemory(part), part)
  t.not(ownMemory(whole.subarray(0, 499)).buffer, whole.buffer)
})

t.test('what Node puts together with other small pieces is copied', async t => {
  const pooled = Buffer.from('hello')
  t.ok(pooled.buffer.byteLength > 5)
  const own = ownMemory(pooled)
  t.equal(own.buffer.byteLength, 5)
  t.equal(own.toString(), 'hello')
})

t.test('nothing at all keeps nothing', async t => {
  t.equal(ownMemory(Buffer.alloc(1000).subarray(0, 0)).buffer.byteLength, 0)
})
