import type { Channel } from './model/channels.ts'
import { freshId, make, makeSelect } from './dom.ts'
import { makeControl } from './form.ts'
import type { Control } from './form.ts'
import { asObject, asText } from './model/pointer.ts'
import type { Json } from './model/pointer.ts'
import { addressOf } from './model/value.ts'

/** Where and how to connect. */
export interface Target {
  readonly url: URL
  readonly protocols: readonly string[]
}

/** What a route's upgrade asks for: its parameters, its query, a subprotocol, and perhaps a server. */
export class Connector {
  readonly element = make('div', { class: 'connector' })
  readonly #channel: Channel
  readonly #parameters: ReadonlyMap<string, Control>
  readonly #query: Control | null
  readonly #keys: ReadonlyMap<string, HTMLInputElement>
  readonly #more = make('input', { type: 'text', placeholder: 'name=value&…', autocomplete: 'off', spellcheck: 'false' })
  readonly #protocols: HTMLInputElement
  readonly #server: HTMLSelectElement | null
  /** Where the application's root is, for each that may be chosen. */
  readonly #roots: readonly URL[]

  constructor (channel: Channel, document: Json, root: URL) {
    this.#channel = channel
    this.#parameters = new Map(channel.parameters.map(({ name, schema }) => [name, makeControl(schema, name, true, { root: document, above: [] })]))
    this.#query = channel.query === null ? null : makeControl(channel.query, 'Query', true, { root: document, above: [] })
    this.#query?.element.classList.add('whole')
    const declared = Object.keys(asObject(channel.query?.properties))
    this.#keys = new Map(channel.keys.filter(name => !declared.includes(name)).map(name => [name, make('input', { type: 'text', autocomplete: 'off', spellcheck: 'false' })]))
    const servers = serversOf(document)
    this.#roots = [root, ...servers.map(({ url }) => url)]
    this.#server = servers.length === 0 ? null : makeSelect(['where this page comes from', ...servers.map(({ name, url }) => `${name} (${url.host})`)])

    const protocols = freshId()
    this.#protocols = make('input', { type: 'text', list: protocols, autocomplete: 'off', spellcheck: 'false', placeholder: channel.subprotocols.length === 0 ? 'none' : channel.subprotocols.join(', ') })
    const details = make('details', {},
      make('summary', {}, 'More'),
      labelled('Subprotocols, with commas between them', this.#protocols),
      labelled('More of the query', this.#more))
    details.append(make('datalist', { id: protocols }, ...channel.subprotocols.map(name => make('option', { value: name }))))
    details.open = channel.subprotocols.length > 0
    this.element.append(
      ...(this.#server === null ? [] : [labelled('Server', this.#server)]),
      ...[...this.#parameters.values()].map(({ element }) => element),
      ...(this.#query === null ? [] : [this.#query.element]),
      ...[...this.#keys].map(([name, input]) => labelled(`${name} (who you are)`, input)),
      details)
  }

  /** @throws Error where the query is not what can be one */
  target (): Target {
    const parameters = Object.fromEntries([...this.#parameters].map(([name, control]) => [name, String(control.read() ?? '')]))
    const keys = [...this.#keys].flatMap(([name, { value }]) => value === '' ? [] : [[name, value]])
    const query = { ...asObject(this.#query?.read()), ...Object.fromEntries(keys) }
    const url = new URL(`.${addressOf(this.#channel.address, parameters, query, this.#more.value)}`, this.#roots[Number(this.#server?.value ?? 0)])
    url.protocol = url.protocol.replace('http', 'ws')
    return { url, protocols: this.#protocols.value.split(',').map(name => name.trim()).filter(Boolean) }
  }
}

function labelled (text: string, input: HTMLElement): HTMLElement {
  const id = freshId()
  input.setAttribute('id', id)
  return make('div', { class: 'field' }, make('label', { for: id }, text), input)
}

/** Those whose names have no variables: where the others are is not known here. */
function serversOf (document: Json): Array<{ name: string, url: URL }> {
  return Object.entries(asObject(document.servers)).flatMap(([name, value]) => {
    const { host, protocol, pathname } = asObject(value)
    const href = `${asText(protocol) ?? 'wss'}://${asText(host) ?? ''}${(asText(pathname) ?? '').replace(/\/?$/, '/')}`
    return URL.canParse(href) && !href.includes('{') ? [{ name, url: new URL(href) }] : []
  })
}
