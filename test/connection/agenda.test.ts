import { setTimeout as delay } from 'node:timers/promises'
import fc from 'fast-check'
import t from 'tap'
import { Agenda } from '../../lib/connection/agenda.ts'
import type { Scheduled } from '../../lib/connection/agenda.ts'
import { keepAlive } from '../helpers/keep-alive.ts'

class Entry implements Scheduled {
  slot = -1
  due = 0
  readonly id: number
  readonly #log: number[]

  constructor (id: number, log: number[]) {
    this.id = id
    this.#log = log
  }

  onDue (): void {
    this.#log.push(this.id)
  }
}

t.before(() => keepAlive(t))

t.test('entries are woken in the order in which they are due, whatever was set, changed and deleted before', async () => {
  const moments = fc.array(fc.record({ due: fc.integer({ min: 0, max: 20 }), again: fc.option(fc.integer({ min: 0, max: 20 })), isDeleted: fc.boolean() }), { maxLength: 60 })
  await fc.assert(fc.asyncProperty(moments, async plans => {
    const log: number[] = []
    const agenda = new Agenda()
    const entries = plans.map((_plan, id) => new Entry(id, log))
    const past = performance.now() - 100
    plans.forEach(({ due }, id) => agenda.set(entries[id], past + due))
    plans.forEach(({ again }, id) => { if (again !== null) agenda.set(entries[id], past + again) })
    plans.forEach(({ isDeleted }, id) => { if (isDeleted) agenda.delete(entries[id]) })
    const left = plans.map((plan, id) => ({ id, due: plan.again ?? plan.due, isDeleted: plan.isDeleted })).filter(({ isDeleted }) => !isDeleted)
    while (agenda.size > 0) await delay(1)
    if (log.length !== left.length) return false
    const dueOf = new Map(left.map(({ id, due }) => [id, due]))
    return log.every((id, i) => i === 0 || (dueOf.get(log[i - 1]) ?? 0) <= (dueOf.get(id) ?? 0))
  }), { numRuns: 60 })
})

t.test('one timer serves all, and none is left behind them', async t => {
  const started = t.capture(globalThis, 'setTimeout', globalThis.setTimeout)
  const stopped = t.capture(globalThis, 'clearTimeout', globalThis.clearTimeout)
  const agenda = new Agenda()
  const entries = Array.from({ length: 1_000 }, (_, id) => new Entry(id, []))
  const begin = performance.now() + 60_000
  for (const entry of entries) agenda.set(entry, begin + entry.id)
  t.equal(started().length, 1)
  for (const entry of entries) agenda.delete(entry)
  t.equal(stopped().length, 1)
  agenda.delete(entries[0])
  t.equal(agenda.size, 0)
})

t.test('an entry that is due sooner than all others is not kept waiting by their timer', async t => {
  const log: number[] = []
  const agenda = new Agenda()
  const late = new Entry(1, log)
  agenda.set(late, performance.now() + 60_000)
  agenda.set(new Entry(2, log), performance.now() + 5)
  while (log.length === 0) await delay(1)
  t.same(log, [2])
  agenda.delete(late)
})

t.test('an entry may come again, and take others off, while it is woken', async t => {
  const log: number[] = []
  const agenda = new Agenda()
  const other = new Entry(9, log)
  const again: Scheduled = {
    slot: -1,
    due: 0,
    onDue (now) {
      log.push(1)
      agenda.delete(other)
      if (log.length < 3) agenda.set(again, now + 1)
    }
  }
  agenda.set(again, performance.now())
  agenda.set(other, performance.now() + 1)
  while (agenda.size > 0) await delay(1)
  t.same(log, [1, 1, 1])
})

t.test('what is due after the longest delay of a timer is not woken at once', async t => {
  const log: number[] = []
  const agenda = new Agenda()
  const entry = new Entry(1, log)
  agenda.set(entry, performance.now() + 2 ** 33)
  await delay(10)
  t.same(log, [])
  agenda.delete(entry)
})

t.test('an entry that is due again as soon as it is woken lets the event loop turn', async t => {
  const agenda = new Agenda()
  const wakes: number[] = []
  // As a bucket that is full but for less than a number of this size can tell.
  const nearly: Scheduled = {
    slot: -1,
    due: 0,
    onDue (now) {
      wakes.push(now)
      if (wakes.length < 3) agenda.set(nearly, now + 2 ** -60)
    }
  }
  agenda.set(nearly, performance.now())
  while (wakes.length < 3) await delay(1)
  t.equal(new Set(wakes).size, 3, 'each at a time of its own')
  t.equal(agenda.size, 0)
})
