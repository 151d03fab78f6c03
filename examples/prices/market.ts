import { Type } from '@sinclair/typebox'
import type { Static } from '@sinclair/typebox'

/** `number` counts the changes of a symbol: a gap in it was not sent. */
export const PriceSchema = Type.Object({ symbol: Type.String(), price: Type.Number(), number: Type.Integer() })
export type Price = Static<typeof PriceSchema>

export const markets = ['metals', 'coffee', 'tea'] as const

const symbolsEach = 36
const changesAtOnce = 8

/** Prices that wander at random. */
export class Market {
  readonly name: string
  #prices: Price[]
  #next = 0

  constructor (name: string) {
    this.name = name
    this.#prices = Array.from({ length: symbolsEach }, (_, index) => ({
      symbol: `${name.slice(0, 3).toUpperCase()}-${String(index + 1).padStart(2, '0')}`,
      price: 50 + index * 5,
      number: 0
    }))
  }

  get prices (): readonly Price[] {
    return this.#prices
  }

  /** Changes a few, in turn, and answers these. */
  change (): Price[] {
    const changed = Array.from({ length: changesAtOnce }, (_, index) => (this.#next + index) % symbolsEach)
    this.#next = (this.#next + changesAtOnce) % symbolsEach
    const isChanged = new Set(changed)
    this.#prices = this.#prices.map((price, index) => isChanged.has(index) ? wander(price) : price)
    return changed.map(index => this.#prices[index])
  }
}

function wander ({ symbol, price, number }: Price): Price {
  const factor = 1 + (Math.random() - 0.5) / 200
  return { symbol, price: Math.round(price * factor * 100) / 100, number: number + 1 }
}
