import { element } from './element.js'

/** Who is at the board, each once, however many connections there are while somebody comes back. */
export class People {
  #list
  #me = ''
  /** By their connections. */
  #people = new Map()

  constructor (list) {
    this.#list = list
  }

  replace (me, people) {
    this.#me = me
    this.#people = new Map(people.map(({ id, data }) => [id, data]))
    this.#show()
  }

  /** Answers who is not there any more. */
  change ({ joined, left }) {
    const gone = left.flatMap(({ id }) => this.#people.get(id)?.by ?? [])
    for (const { id } of left) this.#people.delete(id)
    for (const { id, data } of joined) if (data !== undefined) this.#people.set(id, data)
    this.#show()
    return gone.filter(by => this.find(by) === undefined)
  }

  find (by) {
    return this.#all.get(by)
  }

  /** The pen of somebody has another colour now. */
  paint (by, colour) {
    const person = this.find(by)
    if (person === undefined || person.colour === colour) return
    person.colour = colour
    this.#show()
  }

  get #all () {
    return new Map([...this.#people.values()].map(person => [person.by, person]))
  }

  #show () {
    const people = [...this.#all.values()].sort((a, b) => a.name.localeCompare(b.name))
    this.#list.replaceChildren(...people.map(({ by, name, colour }) =>
      element('li', { class: `pen-${colour}` }, element('i'), element('span', {}, by === this.#me ? `${name} (you)` : name))))
  }
}
