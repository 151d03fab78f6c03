import { messageOf, readChannels } from './model/channels.ts'
import type { Channel, DeclaredMessage } from './model/channels.ts'
import { Composer } from './composer.ts'
import { Connector } from './connector.ts'
import { freshId, make, makeButton, makeOptions, makeSelect } from './dom.ts'
import { Log } from './log.ts'
import { isObject } from './model/pointer.ts'
import type { Json } from './model/pointer.ts'
import { Session } from './session.ts'
import type { Arrived } from './session.ts'
import { toHex } from './model/value.ts'
import type { StateChange } from '../../../types/client.ts'

/** So many bytes of a binary message are shown. */
const mostBytes = 512

/** The page: a route, a connection to it, a message, and what came of it. */
class TryPage {
  readonly #document: Json
  readonly #root: URL
  readonly #channels: readonly Channel[]
  readonly #log: Log
  readonly #route: HTMLSelectElement
  readonly #about = make('p', { class: 'hint' })
  readonly #target = make('div')
  readonly #state = make('span', { class: 'state', role: 'status' })
  readonly #failure = make('p', { class: 'error', role: 'alert' })
  readonly #toggle = make('button', { type: 'submit' }, 'Connect')
  readonly #message = make('select')
  readonly #aboutMessage = make('p', { class: 'hint' })
  readonly #composing = make('div')
  readonly #send = make('button', { type: 'submit' }, 'Send')
  #connector: Connector
  #composer: Composer
  #session: Session | null = null
  #sentId: unknown

  constructor (main: HTMLElement, document: Json, channels: readonly Channel[], root: URL) {
    this.#document = document
    this.#root = root
    this.#channels = channels
    const scroller = make('div', { class: 'scroller', role: 'log', 'aria-live': 'polite', 'aria-label': 'What went and came', tabindex: 0 })
    this.#log = new Log(scroller)
    this.#route = makeSelect(channels.map(({ title }) => title))
    this.#route.value = String(Math.max(0, channels.findIndex(({ key }) => key === decodeURIComponent(location.hash.slice(1)))))
    this.#route.addEventListener('change', () => {
      this.#session?.close()
      this.#showRoute()
    })
    this.#message.addEventListener('change', () => this.#showMessage())
    this.#connector = new Connector(this.#channel, document, root)
    this.#composer = new Composer(null, document)
    main.replaceChildren(
      make('div', { class: 'writing' },
        this.#form('Connect', () => this.#onConnect(), labelled('Route', this.#route), this.#about, this.#target, make('div', { class: 'row' }, this.#toggle, this.#state), this.#failure),
        this.#form('Message', () => this.#onSend(), labelled('Type', this.#message), this.#aboutMessage, this.#composing, make('div', { class: 'row' }, this.#send, make('span', { class: 'hint' }, 'Ctrl + Enter')))),
      make('section', { class: 'card log', 'aria-labelledby': 'log' },
        make('div', { class: 'head' }, make('h2', { id: 'log' }, 'Log'), makeButton('Clear', () => this.#log.clear(), { class: 'quiet' })),
        scroller))
    this.#showRoute()
    this.#showState('closed')
  }

  get #channel (): Channel {
    return this.#channels[Number(this.#route.value)]
  }

  get #declared (): DeclaredMessage | null {
    return this.#channel.outgoing[Number(this.#message.value)] ?? null
  }

  #form (title: string, onSubmit: () => void, ...children: HTMLElement[]): HTMLFormElement {
    const id = freshId()
    const form = make('form', { class: 'card', 'aria-labelledby': id, novalidate: true }, make('h2', { id }, title), ...children)
    form.addEventListener('submit', event => {
      event.preventDefault()
      onSubmit()
    })
    form.addEventListener('keydown', event => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) form.requestSubmit()
    })
    return form
  }

  #showRoute (): void {
    const { key, description, outgoing } = this.#channel
    history.replaceState(null, '', `#${encodeURIComponent(key)}`)
    this.#about.textContent = description
    this.#connector = new Connector(this.#channel, this.#document, this.#root)
    this.#target.replaceChildren(this.#connector.element)
    this.#message.replaceChildren(...makeOptions(outgoing.length === 0 ? ['anything: none is declared'] : outgoing.map(({ title }) => title)))
    this.#showMessage()
  }

  #showMessage (): void {
    const message = this.#declared
    this.#aboutMessage.textContent = [message?.description, ...(message === null || message.replies.length === 0 ? [] : [`Answered with ${message.replies.map(key => this.#titleOf(key)).join(' or ')}.`])].filter(Boolean).join(' ')
    this.#composer = new Composer(message, this.#document)
    this.#composing.replaceChildren(this.#composer.element)
  }

  #titleOf (key: string): string {
    return this.#channel.incoming.find(message => message.key === key)?.title ?? key
  }

  #onConnect (): void {
    this.#failure.textContent = ''
    if (this.#session !== null) {
      this.#session.close()
      return
    }
    try {
      const { url, protocols } = this.#connector.target()
      this.#log.add({ direction: 'note', title: 'Connecting', facts: [url.pathname + url.search, ...protocols] })
      const session: Session = new Session(url, protocols, {
        onState: change => { if (this.#session === session) this.#onState(change) },
        onArrived: arrived => { if (this.#session === session) this.#onArrived(arrived) }
      })
      this.#session = session
      this.#showState('connecting')
    } catch (error) {
      this.#failure.textContent = error instanceof Error ? error.message : String(error)
    }
  }

  #onState ({ state, lost }: StateChange): void {
    if (state === 'open') this.#log.add({ direction: 'note', title: 'Open', facts: this.#session?.protocol ? [`subprotocol ${this.#session.protocol}`] : [] })
    if (state === 'closed') {
      this.#log.add({ direction: 'note', title: lost === null ? 'Closed by this page' : `Closed: ${lost.code}`, facts: lost === null ? [] : [lost.reason || meaningOf(lost.code)], isError: lost !== null && lost.code !== 1000 })
      this.#session = null
    }
    this.#showState(state)
  }

  #showState (state: StateChange['state']): void {
    this.#state.textContent = state
    this.#state.dataset.state = state
    this.#toggle.textContent = this.#session === null ? 'Connect' : 'Disconnect'
    this.#send.disabled = state !== 'open'
  }

  #onSend (): void {
    if (this.#session === null || this.#send.disabled) return
    const outgoing = this.#composer.compose()
    if (outgoing === null) return
    const { payload, text, id } = outgoing
    const title = this.#declared?.title ?? 'Message'
    this.#sentId = id
    this.#log.add({ direction: 'sent', title, facts: [sizeOf(payload)], text })
    try {
      this.#session.send(payload, title, id)
    } catch (error) {
      this.#log.add({ direction: 'note', title: 'Not sent', facts: [error instanceof Error ? error.message : String(error)], isError: true })
    }
  }

  #onArrived ({ payload, value, answers }: Arrived): void {
    const isError = isObject(value) && value.type === 'error'
    const declared = messageOf(value, this.#channel.incoming, this.#document)
    const title = declared?.title ?? (isObject(value) && typeof value.type === 'string' ? value.type : typeof payload === 'string' ? 'Text' : 'Bytes')
    const facts = answers === null ? [] : [`answers ${answers.title}`, `${(performance.now() - answers.at).toFixed(1)} ms`]
    this.#log.add({ direction: 'received', title, facts: [...facts, sizeOf(payload)], text: shown(payload, value), isError })
    if (isError && (value.id === undefined || value.id === this.#sentId)) this.#composer.mark(String(value.message), value.errors)
  }
}

function labelled (text: string, input: HTMLElement): HTMLElement {
  const id = freshId()
  input.setAttribute('id', id)
  return make('div', { class: 'field' }, make('label', { for: id }, text), input)
}

function shown (payload: string | ArrayBuffer, value: unknown): string {
  if (typeof payload === 'string') return value === undefined ? payload : JSON.stringify(value, null, 2)
  const hex = toHex(new Uint8Array(payload, 0, Math.min(payload.byteLength, mostBytes)))
  return payload.byteLength > mostBytes ? `${hex} …` : hex
}

function sizeOf (payload: string | ArrayBuffer | Uint8Array): string {
  const size = typeof payload === 'string' ? new TextEncoder().encode(payload).length : payload.byteLength
  return size === 1 ? '1 byte' : `${size.toLocaleString('en')} bytes`
}

/** What a page is told by 1006: nothing (RFC 6455 section 7.1.5). */
function meaningOf (code: number): string {
  return code === 1006 ? 'refused, or lost: a browser does not tell why; the server’s log may' : ''
}

const main = document.querySelector<HTMLElement>('#try')
if (main !== null) {
  try {
    const response = await fetch(main.dataset.document ?? '', { headers: { accept: 'application/json' } })
    if (!response.ok) throw new Error(`It was answered with status ${response.status}.`)
    const read: Json = await response.json()
    const channels = readChannels(read)
    if (channels.length === 0) main.replaceChildren(make('p', { class: 'wait' }, 'The document has no channels: no WebSocket route is declared, or all are hidden.'))
    else new TryPage(main, read, channels, new URL(main.dataset.root ?? '/', location.href)) // eslint-disable-line no-new
  } catch (error) {
    main.replaceChildren(make('p', { class: 'wait error', role: 'alert' }, `The document cannot be read. ${error instanceof Error ? error.message : ''}`))
  }
}
