import { side } from './ink.js'

/** How long a cursor that stands still is shown, in milliseconds. */
const shownFor = 4000

/** Where the others point. */
export class Cursors {
  #layer
  #shown = new Map()

  constructor (layer) {
    this.#layer = layer
  }

  /** @param colour of the palette */
  show (by, name, colour, x, y) {
    const cursor = this.#shown.get(by) ?? this.#add(by)
    cursor.label.textContent = name
    cursor.element.className = `cursor pen-${colour}`
    cursor.element.style.left = `${x / side * 100}%`
    cursor.element.style.top = `${y / side * 100}%`
    delete cursor.element.dataset.idle
    clearTimeout(cursor.timer)
    cursor.timer = setTimeout(() => { cursor.element.dataset.idle = '' }, shownFor)
  }

  remove (by) {
    const cursor = this.#shown.get(by)
    if (cursor === undefined) return
    clearTimeout(cursor.timer)
    cursor.element.remove()
    this.#shown.delete(by)
  }

  clear () {
    for (const by of [...this.#shown.keys()]) this.remove(by)
  }

  #add (by) {
    const [element, plate, label] = ['div', 'span', 'b'].map(name => document.createElement(name))
    plate.append(label)
    element.append(plate)
    this.#layer.append(element)
    const cursor = { element, label, timer: null }
    this.#shown.set(by, cursor)
    return cursor
  }
}
