import assert from 'node:assert/strict'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import t from 'tap'
import { Backlog } from '../../lib/connection/backlog.ts'
import type { Waiting } from '../../lib/connection/backlog.ts'
import { holds } from '../helpers/property.ts'

function waiting (name: string, more: Partial<Waiting> = {}): Waiting {
  return { frame: Buffer.from(name), isShared: false, isDroppable: false, key: null, ...more }
}

/** Takes everything out: the names of the frames, in their order. */
function namesIn (backlog: Backlog): string[] {
  const names = []
  for (let next = backlog.shift(); next !== null; next = backlog.shift()) names.push(String(next.frame))
  return names
}

/** What a backlog does, as an array does it. */
class Model {
  entries: Waiting[] = []

  push (entry: Waiting): void {
    this.entries.push(entry)
  }

  shift (): Waiting | null {
    return this.entries.shift() ?? null
  }

  dropKey (key: string): boolean {
    return this.#drop(this.entries.findLastIndex(entry => entry.key === key))
  }

  dropOldest (): boolean {
    return this.#drop(this.entries.findIndex(entry => entry.isDroppable))
  }

  clear (): void {
    this.entries = []
  }

  #drop (index: number): boolean {
    if (index === -1) return false
    this.entries.splice(index, 1)
    return true
  }
}

type Step =
  | { do: 'push', size: number, isShared: boolean, isDroppable: boolean, key: string | null }
  | { do: 'dropKey', key: string }
  | { do: 'shift' | 'dropOldest' | 'clear' }

const key = fc.constantFrom('a', 'b', 'c', '__proto__')
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('push' as const), size: fc.nat(50), isShared: fc.boolean(), isDroppable: fc.boolean(), key: fc.option(key) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('dropKey' as const), key }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('shift' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('dropOldest' as const) }) },
  fc.record({ do: fc.constant('clear' as const) })
)

function apply (backlog: Backlog | Model, step: Step, number: number): unknown {
  switch (step.do) {
    case 'push': {
      const { size, isShared, isDroppable, key } = step
      // As its user does: a frame takes the place of one with its key.
      if (key !== null) backlog.dropKey(key)
      return backlog.push({ frame: Buffer.alloc(size, number), isShared, isDroppable, key })
    }
    case 'dropKey': return backlog.dropKey(step.key)
    case 'dropOldest': return backlog.dropOldest()
    case 'clear': return backlog.clear()
    case 'shift': return backlog.shift()?.frame.toString('hex') ?? null
  }
}

t.test('whatever is done to it, it does what an array would', async t => {
  holds(t, fc.property(fc.array(step, { maxLength: 60 }), steps => {
    const backlog = new Backlog()
    const model = new Model()
    for (const [index, step] of steps.entries()) {
      assert.deepEqual(apply(backlog, step, index), apply(model, step, index))
      const { entries } = model
      assert.equal(backlog.isEmpty, entries.length === 0)
      assert.equal(backlog.hasUnshared, entries.some(({ isShared }) => !isShared))
      assert.equal(backlog.frameBytes, entries.reduce((sum, { frame }) => sum + frame.length, 0))
      assert.equal(backlog.bytes, entries.reduce((sum, { frame }) => sum + Backlog.sizeOf(frame), 0))
    }
    assert.deepEqual(namesIn(backlog), model.entries.map(({ frame }) => String(frame)))
  }), { numRuns: 2000 })
})

t.test('frames leave in their order', async t => {
  const backlog = new Backlog()
  for (const name of ['a', 'b', 'c']) backlog.push(waiting(name))
  t.same(namesIn(backlog), ['a', 'b', 'c'])
  t.equal(backlog.shift(), null)
})

t.test('the oldest is dropped of those that may be', async t => {
  const backlog = new Backlog()
  backlog.push(waiting('a'))
  backlog.push(waiting('b', { isDroppable: true }))
  backlog.push(waiting('c'))
  backlog.push(waiting('d', { isDroppable: true }))
  t.ok(backlog.dropOldest())
  t.ok(backlog.dropOldest())
  t.notOk(backlog.dropOldest())
  t.same(namesIn(backlog), ['a', 'c'])
})

t.test('a frame that has left is not dropped by its key', async t => {
  const backlog = new Backlog()
  backlog.push(waiting('a', { key: 'x' }))
  backlog.shift()
  t.notOk(backlog.dropKey('x'))
})

t.test('a frame counts for more than its bytes, and for nothing once it is gone', async t => {
  const backlog = new Backlog()
  backlog.push(waiting('abc'))
  t.equal(backlog.frameBytes, 3)
  t.equal(backlog.bytes, Backlog.sizeOf(Buffer.from('abc')))
  t.ok(backlog.bytes > 3)
  backlog.shift()
  t.same([backlog.frameBytes, backlog.bytes], [0, 0])
})

t.test('a frame that waits does not keep memory that it shares with others', async t => {
  const backlog = new Backlog()
  const pool = Buffer.alloc(8192, 'x')
  backlog.push(waiting('', { frame: pool.subarray(100, 200) }))
  const frame = backlog.shift()?.frame
  t.same(frame, pool.subarray(100, 200))
  t.equal(frame?.buffer.byteLength, 100)
})

t.test('many small frames cost no more than they count for', async t => {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  const backlog = new Backlog()
  const count = 50_000
  const taken = (): number => {
    gc()
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  }
  const before = taken()
  for (let i = 0; i < count; i++) backlog.push(waiting('x'.repeat(20), { key: `a key ${i}` }))
  t.ok(taken() - before <= backlog.bytes)
  t.equal(namesIn(backlog).length, count)
})
