import { freshId, make, makeButton, makeSelect } from './dom.ts'
import { makeControl } from './form.ts'
import type { Control } from './form.ts'
import type { DeclaredMessage } from './model/channels.ts'
import { isObject } from './model/pointer.ts'
import { takes } from './model/schema.ts'
import type { Payload } from './session.ts'
import { findingsOf, fromHex, isSameJson, toHex } from './model/value.ts'

/** A message that is ready to be sent. */
export interface Outgoing {
  readonly payload: Payload
  /** As it is shown. */
  readonly text: string
  readonly id?: string | number
}

let ids = 0

/** Where one message is written: as a form, or as text. */
export class Composer {
  readonly element = make('div', { class: 'composer' })
  readonly #message: DeclaredMessage | null
  readonly #document: unknown
  readonly #form: Control | null
  readonly #text: HTMLTextAreaElement
  readonly #asText: HTMLElement
  readonly #switch: HTMLButtonElement | null
  /** Whether the text is bytes, written in hexadecimal; null where it is JSON. */
  readonly #encoding: HTMLSelectElement | null
  readonly #wrong = make('p', { class: 'error', role: 'alert' })
  #isForm: boolean

  /** @param message null where nothing is declared: anything may be sent */
  constructor (message: DeclaredMessage | null, document: unknown) {
    this.#message = message
    this.#document = document
    const isJson = message === null || /[/+]json\b/.test(message.contentType)
    this.#form = message !== null && isJson ? makeControl(message.payload, message.title, true, { root: document, above: [] }) : null
    this.#form?.element.classList.add('whole')
    if (message?.example !== undefined) this.#form?.write(message.example)

    const id = freshId()
    this.#encoding = isJson ? null : makeSelect(['Text', 'Bytes, in hexadecimal'], { 'aria-label': 'Sent as' })
    this.#text = make('textarea', { id, class: 'json', rows: 8, spellcheck: 'false' })
    this.#asText = make('div', { class: 'field' }, make('label', { for: id }, isJson ? 'JSON' : `Payload (${message?.contentType})`), ...(this.#encoding === null ? [] : [this.#encoding]), this.#text)
    this.#isForm = this.#form !== null
    this.#switch = this.#form === null ? null : makeButton('Write JSON', () => this.#onSwitch(), { class: 'quiet' })
    if (!isJson && typeof message?.example === 'string') this.#text.value = message.example
    this.element.append(...(this.#switch === null ? [] : [this.#switch]), ...(this.#form === null ? [] : [this.#form.element]), this.#asText, this.#wrong)
    this.#show()
  }

  /** The message as it was written; null where it can't be, which is shown. */
  compose (): Outgoing | null {
    this.clear()
    try {
      if (this.#encoding !== null) return this.#encoding.value === '0' ? { payload: this.#text.value, text: this.#text.value } : ofBytes(fromHex(this.#text.value))
      // What is written as text is sent as it is: what the server says to what is no JSON may be what is to be seen.
      if (!this.#isForm) return { payload: this.#text.value, text: this.#text.value, id: idOf(this.#text.value) }
      return this.#ofForm(this.#form?.read())
    } catch (error) {
      this.#tell(error instanceof Error ? error.message : String(error))
      return null
    }
  }

  /** Shows what the server found wrong with what was sent last. */
  mark (message: string, errors: unknown): void {
    this.clear()
    const findings = findingsOf(errors)
    if (!this.#isForm || findings.length === 0) {
      this.#tell([message, ...(this.#isForm ? [] : findings.map(({ path, message }) => `/${path.join('/')} ${message}`))].join('\n'))
    } else {
      for (const { path, message } of findings) this.#form?.mark(path, message)
    }
  }

  clear (): void {
    this.#tell('')
    this.#form?.clear()
  }

  /** With an `id`, so that its answer is known for it, where its schema allows one. */
  #ofForm (value: unknown): Outgoing {
    const message = isObject(value) && !('id' in value) && takes(this.#message?.payload, 'id', this.#document) ? { ...value, id: `try-${++ids}` } : value
    if (message === undefined) throw new Error('There is nothing to send.')
    const id = isObject(message) && (typeof message.id === 'string' || typeof message.id === 'number') ? message.id : undefined
    return { payload: JSON.stringify(message), text: JSON.stringify(message, null, 2), id }
  }

  #onSwitch (): void {
    try {
      this.clear()
      if (this.#isForm) {
        this.#text.value = JSON.stringify(this.#form?.read() ?? null, null, 2)
      } else {
        const value: unknown = JSON.parse(this.#text.value)
        this.#form?.write(value)
        if (!isSameJson(this.#form?.read(), value)) throw new Error('The form cannot show all of this: it stays JSON.')
      }
      this.#isForm = !this.#isForm
      this.#show()
    } catch (error) {
      this.#tell(error instanceof Error ? error.message : String(error))
    }
  }

  #show (): void {
    if (this.#form !== null) this.#form.element.hidden = !this.#isForm
    this.#asText.hidden = this.#isForm
    if (this.#switch !== null) this.#switch.textContent = this.#isForm ? 'Write JSON' : 'Fill in a form'
  }

  #tell (text: string): void {
    this.#wrong.textContent = text
  }
}

function ofBytes (payload: Uint8Array<ArrayBuffer>): Outgoing {
  return { payload, text: toHex(payload) }
}

function idOf (text: string): string | number | undefined {
  try {
    const { id } = JSON.parse(text)
    return id
  } catch {
    return undefined
  }
}
