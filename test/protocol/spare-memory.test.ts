import t from 'tap'
import { giveMemory, takeMemory } from '../../lib/protocol/spare-memory.ts'

t.test('what is taken has at most the size that was asked for, and more than half of it', async t => {
  const wrong = []
  for (let size = 1; size < 4 * 1024 * 1024; size = Math.ceil(size * 1.01)) {
    const { length } = takeMemory(size)
    if (length > size || length * 2 <= size) wrong.push({ size, length })
  }
  t.same(wrong, [])
})

t.test('what is given back is taken again', async t => {
  const memory = takeMemory(64 * 1024)
  giveMemory(memory)
  t.equal(takeMemory(100_000), memory)
  t.not(takeMemory(64 * 1024), memory, 'once')
})

t.test('what has another size is not kept', async t => {
  for (const length of [0, 1, 2048, 5000, 65535, 65537, 1024 * 1024]) {
    const memory = Buffer.allocUnsafeSlow(length)
    giveMemory(memory)
    t.not(takeMemory(length), memory)
  }
})

t.test('four of a size are kept, and no more', async t => {
  const given: Buffer[] = Array.from({ length: 6 }, () => Buffer.allocUnsafeSlow(16 * 1024))
  for (const memory of given) giveMemory(memory)
  const taken = given.map(() => takeMemory(16 * 1024))
  t.equal(taken.filter(memory => given.includes(memory)).length, 4)
  t.equal(new Set(taken).size, 6)
})
