import { element } from './element.js'

/** How many entries are kept. */
const longest = 400

/** What went over the wire, entry by entry, under its connection. */
export class Log {
  #root
  #onChoose
  #chosen = null
  #heading = null

  constructor (root, onChoose) {
    this.#root = root
    this.#onChoose = onChoose
    root.addEventListener('keydown', event => this.#onKey(event))
  }

  remark (text, heading = this.#heading) {
    this.#under(heading)
    this.#append(element('li', { class: 'remark' }, text))
  }

  /** Adds an entry that can be chosen; `show` draws it. */
  entry ({ heading, way, kind, text, size, isBroken = false, show }) {
    this.#under(heading)
    const button = element('button', { type: 'button', 'data-way': way, 'data-kind': kind },
      element('span', { class: 'way', 'aria-label': way === 'in' ? 'to the server' : 'from the server' }, way === 'in' ? '↑' : '↓'),
      element('span', { class: 'kind' }, kind),
      element('span', { class: 'text' }, text),
      element('span', { class: 'size' }, size))
    if (isBroken) button.classList.add('broken')
    button.onclick = () => {
      this.choose(button, show)
      this.#onChoose()
    }
    this.#append(element('li', {}, button))
    return button
  }

  choose (button, show) {
    this.#chosen?.removeAttribute('aria-current')
    this.#chosen = button
    button.setAttribute('aria-current', 'true')
    show()
  }

  /** Entries of two connections may take turns. */
  #under (heading) {
    if (heading === this.#heading) return
    this.#heading = heading
    this.#append(element('li', { class: 'heading' }, heading))
  }

  /** Keeps the newest in sight, unless somebody reads further up. */
  #append (item) {
    const root = this.#root
    const isAtEnd = root.scrollHeight - root.scrollTop - root.clientHeight < 60
    root.append(item)
    while (root.children.length > longest) root.firstChild.remove()
    if (isAtEnd) root.scrollTop = root.scrollHeight
  }

  #onKey (event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step === undefined) return
    const buttons = [...this.#root.querySelectorAll('button')]
    const next = buttons[buttons.indexOf(document.activeElement) + step]
    if (next === undefined) return
    event.preventDefault()
    next.focus()
    next.click()
  }
}
