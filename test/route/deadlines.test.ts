import t from 'tap'
import type { Test } from 'tap'
import { Deadlines } from '../../lib/route/deadlines.ts'
import type { Timed } from '../../lib/route/deadlines.ts'

/** Waits to be late. */
class Waiting implements Timed {
  readonly deadline: number
  readonly late: Promise<void>
  isLate = false
  #settle = (): void => {}

  constructor (deadline: number) {
    this.deadline = deadline
    this.late = new Promise(resolve => { this.#settle = resolve })
  }

  onDeadline (): void {
    this.isLate = true
    this.#settle()
  }
}

function begin (deadlines: Deadlines<Waiting>): Waiting {
  const waiting = new Waiting(deadlines.next())
  deadlines.add(waiting)
  return waiting
}

/** So that a test ends with its process: a timer that holds nothing must not keep that. */
function timers (): number {
  return process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
}

async function later (t: Test): Promise<void> {
  await new Promise(resolve => setTimeout(resolve, 5))
  t.pass('some milliseconds have passed')
}

t.test('each is told when its time is over, and not before', async t => {
  const deadlines = new Deadlines<Waiting>(20)
  const first = begin(deadlines)
  await later(t)
  const second = begin(deadlines)
  await first.late
  t.ok(performance.now() >= first.deadline)
  await second.late
  t.ok(performance.now() >= second.deadline)
})

t.test('one that is over in time is not told', async t => {
  const deadlines = new Deadlines<Waiting>(20)
  const [over, late] = [begin(deadlines), begin(deadlines)]
  deadlines.delete(over)
  await late.late
  t.notOk(over.isLate)
})

t.test('one that ends others on the way is not told of them', async t => {
  const deadlines = new Deadlines<Waiting>(20)
  const [first, second] = [begin(deadlines), begin(deadlines)]
  first.onDeadline = () => {
    deadlines.delete(second)
    Waiting.prototype.onDeadline.call(first)
  }
  await first.late
  const third = begin(deadlines)
  await third.late
  t.notOk(second.isLate)
})

t.test('they keep the process only while there is one', async t => {
  const before = timers()
  const deadlines = new Deadlines<Waiting>(60_000)
  const first = begin(deadlines)
  t.equal(timers(), before + 1)
  deadlines.delete(first)
  t.equal(timers(), before)
  const second = begin(deadlines)
  t.equal(timers(), before + 1)
  deadlines.delete(second)
  t.equal(timers(), before)
})
