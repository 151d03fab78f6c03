import { make } from './dom.ts'

export interface Entry {
  readonly direction: 'sent' | 'received' | 'note'
  /** What it is: a message's name, or what happened. */
  readonly title: string
  /** What it answers, how long that took, how large it is … */
  readonly facts?: readonly string[]
  readonly text?: string
  readonly isError?: boolean
}

/** So many entries are shown: the oldest goes when there is one more. */
const mostEntries = 500
/** The rest of a longer text is not shown. */
const longestText = 20_000

const arrows = { sent: '↑', received: '↓', note: '•' }
const words = { sent: 'sent', received: 'received', note: '' }

/** What went and came, the latest at the end. */
export class Log {
  readonly element = make('ol', { class: 'entries' })
  readonly #scroller: HTMLElement

  constructor (scroller: HTMLElement) {
    this.#scroller = scroller
    scroller.append(this.element)
  }

  add ({ direction, title, facts = [], text, isError = false }: Entry): void {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller
    const isAtEnd = scrollHeight - scrollTop - clientHeight < 40
    this.element.append(make('li', { class: `entry ${direction}${isError ? ' wrong' : ''}` },
      make('p', { class: 'line' },
        make('time', {}, timeOf(new Date())),
        make('span', { class: 'arrow', title: words[direction], 'aria-hidden': 'true' }, arrows[direction]),
        make('span', { class: 'unseen' }, words[direction]),
        make('strong', {}, title),
        ...facts.map(fact => make('span', { class: 'fact' }, fact))),
      ...(text === undefined ? [] : [make('pre', { tabindex: 0, 'aria-label': title }, text.length > longestText ? `${text.slice(0, longestText)} …` : text)])))
    while (this.element.childElementCount > mostEntries) this.element.firstElementChild?.remove()
    if (isAtEnd) this.#scroller.scrollTop = this.#scroller.scrollHeight
  }

  clear (): void {
    this.element.replaceChildren()
  }
}

/** With milliseconds: messages come many a second. */
function timeOf (date: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0')
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, '0')}`
}
