/** The last items of each group, in memory: of a bounded number of groups, those used last. */
export class History<Item> {
  readonly #groups = new Map<string, Item[]>()
  readonly #itemsEach: number
  readonly #groupsAtMost: number

  constructor (itemsEach: number, groupsAtMost: number) {
    this.#itemsEach = itemsEach
    this.#groupsAtMost = groupsAtMost
  }

  add (group: string, item: Item): void {
    const items = this.of(group)
    this.#groups.delete(group)
    this.#groups.set(group, [...items, item].slice(-this.#itemsEach))
    if (this.#groups.size > this.#groupsAtMost) {
      const [leastUsed] = this.#groups.keys()
      this.#groups.delete(leastUsed)
    }
  }

  of (group: string): readonly Item[] {
    return this.#groups.get(group) ?? []
  }
}
