/** Names that were given away: each is given once. */
export class Names {
  readonly #taken = new Set<string>()

  /** The first that is free, else the last with a number behind. */
  take (...wishes: readonly string[]): string {
    const last = wishes[wishes.length - 1]
    let name = wishes.find(wish => !this.#taken.has(wish))
    for (let number = 2; name === undefined; number++) {
      if (!this.#taken.has(`${last}${number}`)) name = `${last}${number}`
    }
    this.#taken.add(name)
    return name
  }
}

/** What keys of `components` may be made of. */
export function toKey (name: string): string {
  return name.replace(/[^\w.-]+/g, '_').replace(/^_+|_+$/g, '') || 'schema'
}

/** Words in one: `rooms`, `{room}` → `roomsRoom`. */
export function camelCase (text: string): string {
  const [first = '', ...others] = text.split(/[^\p{L}\p{N}]+/u).filter(word => word !== '')
  return first.slice(0, 1).toLowerCase() + first.slice(1) + others.map(capitalize).join('')
}

export function capitalize (word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1)
}

/** What stands for a name in a JSON Pointer, RFC 6901, in the fragment of a URL. */
export function toPointer (...names: readonly string[]): string {
  return ['#', ...names.map(name => encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1')))].join('/')
}
