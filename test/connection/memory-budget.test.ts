import t from 'tap'
import { MemoryBudget } from '../../lib/connection/memory-budget.ts'
import type { MemoryHolder } from '../../lib/connection/memory-budget.ts'

/** A budget whose holders let go of all they hold, unless told otherwise. */
class Household {
  readonly shed: string[] = []
  readonly budget: MemoryBudget<Holder>

  constructor (limit: number) {
    this.budget = new MemoryBudget(limit, ({ name }) => { this.shed.push(name) })
  }

  holder (name: string, held = 0): Holder {
    const holder = new Holder(name, this.budget)
    holder.hold(held)
    return holder
  }
}

class Holder implements MemoryHolder {
  readonly name: string
  readonly #budget: MemoryBudget<Holder>
  held = 0
  /** What it can't let go of. */
  rest = 0
  /** What else happens when it lets go. */
  onShed: () => void = () => {}

  constructor (name: string, budget: MemoryBudget<Holder>) {
    this.name = name
    this.#budget = budget
  }

  hold (bytes: number): this {
    const by = bytes - this.held
    this.held = bytes
    this.#budget.change(this, by)
    return this
  }

  shed (): void {
    this.onShed()
    this.hold(Math.min(this.held, this.rest))
  }
}

t.test('held is what all hold together', async t => {
  const house = new Household(1000)
  const a = house.holder('a', 100)
  house.holder('b', 200)
  t.equal(house.budget.held, 300)
  a.hold(50)
  t.equal(house.budget.held, 250)
  t.same(house.shed, [])
})

t.test('fifteen sixteenths of the limit may be held', async t => {
  const house = new Household(1600)
  house.holder('a', 1500)
  t.same(house.shed, [])
})

t.test('beyond it those who hold most let go first, and no more of them than it takes', async t => {
  const house = new Household(1000)
  house.holder('small', 50)
  house.holder('large', 400)
  house.holder('larger', 500)
  house.holder('new', 100)
  t.same(house.shed, ['larger'])
  t.equal(house.budget.held, 550)
})

t.test('they let go until an eighth of the limit is left, so that they are not sought at every byte', async t => {
  const house = new Household(800)
  for (let i = 0; i < 75; i++) house.holder(String(i), 10)
  t.same(house.shed, [])
  house.holder('one more', 10)
  t.equal(house.budget.held, 700)
  t.equal(house.shed.length, 6)
})

t.test('the one that asks for more may be the one that lets go', async t => {
  const house = new Household(1000)
  house.holder('a', 100)
  const greedy = house.holder('greedy', 800)
  greedy.hold(1200)
  t.same(house.shed, ['greedy'])
  t.same([greedy.held, house.budget.held], [0, 100])
})

t.test('who holds nothing any more is not asked to let go', async t => {
  const house = new Household(1000)
  house.holder('gone', 900).hold(0)
  house.holder('a', 300)
  house.holder('b', 800)
  t.same(house.shed, ['b'])
})

t.test('who held nothing and holds again is known again', async t => {
  const house = new Household(1000)
  const a = house.holder('a', 900).hold(0)
  a.hold(600)
  house.holder('b', 500)
  t.same(house.shed, ['a'])
})

t.test('who lets go of nothing does not keep the others from it', async t => {
  const house = new Household(1000)
  house.holder('stubborn', 500).rest = 500
  house.holder('a', 400)
  house.holder('b', 200)
  t.same(house.shed, ['stubborn', 'a'])
  t.equal(house.budget.held, 700)
})

t.test('what happens while one lets go makes nobody let go twice', async t => {
  const house = new Household(1000)
  const other = house.holder('other', 100)
  const large = house.holder('large', 800)
  large.onShed = () => { other.hold(400) }
  house.holder('new', 200)
  t.same(house.shed, ['large'])
  t.equal(house.budget.held, 600)
})

t.test('the budget goes on after it was spent', async t => {
  const house = new Household(1000)
  for (const name of ['a', 'b', 'c']) house.holder(name, 900).hold(1100)
  t.same(house.shed, ['a', 'b', 'c'])
})

t.test('peak is the most that was held', async t => {
  const house = new Household(1000)
  house.holder('a', 600).hold(10)
  t.equal(house.budget.peak, 600)
  house.holder('b', 500)
  t.equal(house.budget.peak, 600)
  house.holder('c', 300)
  t.equal(house.budget.peak, 810)
})

t.test('without a limit nobody lets go', async t => {
  const house = new Household(Infinity)
  house.holder('a', Number.MAX_SAFE_INTEGER / 2)
  t.same(house.shed, [])
})
