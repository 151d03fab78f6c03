import { freshId, make, makeSelect } from './dom.ts'
import { makeInner } from './inner.ts'
import { follow } from './model/pointer.ts'
import { readField } from './model/schema.ts'
import type { Field } from './model/schema.ts'

/** A part of a form: a field, or a group of them. */
export interface Control {
  readonly element: HTMLElement
  /** What it holds; undefined where it is left out. @throws Error where it is not JSON */
  read (): unknown
  write (value: unknown): void
  /** Shows what is wrong, at the innermost part that the path leads to. */
  mark (path: readonly string[], message: string): void
  /** Shows nothing as wrong. */
  clear (): void
}

/** What lies within a control's frame. */
export interface Inner extends Omit<Control, 'mark'> {
  /** Whether it has controls of its own, and so no label but a legend. */
  readonly isGroup: boolean
  /** Answers whether there is such a part. */
  mark (path: readonly string[], message: string): boolean
}

/** What controls know of where they are. */
export interface Place {
  /** The document, in which `$ref`s are looked up. */
  readonly root: unknown
  /** The schemas that it lies within: one that contains itself is not opened for ever. */
  readonly above: readonly unknown[]
}

/** A form for a schema. */
export function makeControl (schema: unknown, label: string, required: boolean, { root, above }: Place): Control {
  const target = follow(schema, root)
  const field = readField(schema, root)
  const build = (): Inner => makeInner(field, { root, above: [...above, target] })
  const isPlain = ['text', 'number', 'choice', 'boolean', 'constant'].includes(field.kind)
  if (field.kind === 'constant' && required) return makeHidden(field.value)
  if (!field.nullable && (isPlain || (required && !above.includes(target)))) {
    return start(new Framed(label, field, required, build()), field)
  }
  return start(new Framed(label, field, required, null, build), field)
}

function start (control: Control, { initial }: Field): Control {
  if (initial !== undefined) control.write(initial)
  return control
}

/** What can be nothing else is not asked for. */
function makeHidden (value: unknown): Control {
  return { element: make('div', { hidden: true }), read: () => value, write: () => {}, mark: () => {}, clear: () => {} }
}

const absent = 'left out'
const asNull = 'null'
const present = 'given'

/** A control with its label, what is said of it, and what is wrong with it; with a choice beside it where it may be left out as a whole, or be null. */
class Framed implements Control {
  readonly element: HTMLElement
  readonly #hint: HTMLElement
  readonly #error: HTMLElement
  readonly #body = make('div', { class: 'body' })
  readonly #build: (() => Inner) | null
  readonly #presences: readonly string[]
  readonly #presence: HTMLSelectElement | null
  #inner: Inner | null

  constructor (label: string, field: Field, required: boolean, inner: Inner | null, build: (() => Inner) | null = null) {
    const id = freshId()
    const isGroup = inner?.isGroup ?? true
    this.#inner = inner
    this.#build = build
    this.#hint = make('p', { class: 'hint', id: `${id}-hint` }, [field.description, ...field.hints].filter(Boolean).join(' · '))
    this.#error = make('p', { class: 'error', id: `${id}-error`, role: 'alert' })
    this.#presences = [...(required && field.nullable ? [] : [absent]), ...(field.nullable ? [asNull] : []), present]
    this.#presence = build === null ? null : makeSelect(this.#presences, { class: 'presence', 'aria-label': `${label}: given or not` })
    this.#presence?.addEventListener('change', () => this.#show())

    const words = [label, ...(field.title !== undefined && field.title !== label ? [make('small', {}, field.title)] : []), ...(required ? [make('abbr', { title: 'required' }, '*')] : [])]
    const aside = this.#presence === null ? [] : [this.#presence]
    if (isGroup) {
      this.element = make('fieldset', { class: 'group', 'aria-describedby': `${id}-hint ${id}-error` }, make('legend', {}, ...words, ...aside))
    } else {
      this.element = make('div', { class: 'field' }, make('label', { for: id }, ...words))
      inner?.element.setAttribute('id', id)
      inner?.element.setAttribute('aria-describedby', `${id}-hint ${id}-error`)
    }
    if (inner !== null) this.#body.append(inner.element)
    this.element.append(...(this.#hint.textContent === '' ? [] : [this.#hint]), this.#body, this.#error)
    this.#show()
  }

  read (): unknown {
    const state = this.#state
    if (state === absent) return undefined
    if (state === asNull) return null
    try {
      return this.#inner?.read()
    } catch (error) {
      if (this.#inner?.isGroup !== true) this.mark([], error instanceof Error ? error.message : '')
      throw error
    }
  }

  write (value: unknown): void {
    if (this.#presence !== null) {
      this.#presence.value = String(Math.max(0, this.#presences.indexOf(value === undefined ? absent : value === null ? asNull : present)))
      this.#show()
    }
    if (this.#state === present) this.#inner?.write(value)
  }

  mark (path: readonly string[], message: string): void {
    if (path.length > 0 && this.#state === present && this.#inner?.mark(path, message)) return
    const said = [...(path.length === 0 ? [] : [path.join('/')]), message].join(' ')
    this.#error.textContent = [this.#error.textContent, said].filter(Boolean).join('; ')
    this.#invalid(true)
  }

  clear (): void {
    this.#error.textContent = ''
    this.#invalid(false)
    this.#inner?.clear()
  }

  get #state (): string {
    return this.#presence === null ? present : this.#presences[Number(this.#presence.value)]
  }

  #show (): void {
    const isPresent = this.#state === present
    if (isPresent && this.#inner === null && this.#build !== null) {
      this.#inner = this.#build()
      if (!this.#inner.isGroup) this.#inner.element.setAttribute('aria-label', this.element.querySelector('legend')?.firstChild?.textContent ?? '')
      this.#body.append(this.#inner.element)
    }
    this.#body.hidden = !isPresent
  }

  #invalid (isInvalid: boolean): void {
    this.element.classList.toggle('invalid', isInvalid)
    if (this.#inner?.isGroup === false) this.#inner.element.setAttribute('aria-invalid', String(isInvalid))
  }
}
