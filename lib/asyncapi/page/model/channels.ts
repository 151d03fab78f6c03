import { asList, asObject, asText, follow, isObject } from './pointer.ts'
import type { Json } from './pointer.ts'
import { constantsOf } from './schema.ts'

/** A message as a document declares it. */
export interface DeclaredMessage {
  /** By which the channel knows it. */
  readonly key: string
  readonly title: string
  readonly description?: string
  readonly payload: unknown
  readonly contentType: string
  /** An example of the payload, where there is one. */
  readonly example?: unknown
  /** The keys of the messages that answer it, errors excepted. */
  readonly replies: readonly string[]
}

/** A route as a document declares it: what a client sends, and what it is sent. */
export interface Channel {
  readonly key: string
  readonly address: string
  /** The address, with the title where that says more. */
  readonly title: string
  readonly description: string
  readonly parameters: ReadonlyArray<{ readonly name: string, readonly schema: Json }>
  /** Of the query; null where none is declared. */
  readonly query: Json | null
  readonly subprotocols: readonly string[]
  /** Names of the query in which a client may have to say who it is. */
  readonly keys: readonly string[]
  readonly outgoing: readonly DeclaredMessage[]
  readonly incoming: readonly DeclaredMessage[]
}

/** The channels of a document that have an address. Its operations are the server's: what it receives, a client sends. */
export function readChannels (document: Json): Channel[] {
  return Object.entries(asObject(document.channels)).flatMap(([key, value]) => {
    const channel = asObject(follow(value, document))
    return typeof channel.address === 'string' ? [readChannel(document, key, channel, channel.address)] : []
  })
}

/** The first of the messages whose constants a value has; the only one, where it has none. */
export function messageOf (value: unknown, messages: readonly DeclaredMessage[], document: Json): DeclaredMessage | undefined {
  const known = messages.map(message => ({ message, constants: Object.entries(constantsOf(message.payload, document)) }))
  const matching = known.find(({ constants }) => constants.length > 0 && isObject(value) && constants.every(([name, constant]) => value[name] === constant))
  if (matching !== undefined) return matching.message
  const open = known.filter(({ constants }) => constants.length === 0)
  return open.length === 1 ? open[0].message : undefined
}

function readChannel (document: Json, key: string, channel: Json, address: string): Channel {
  const operations = Object.values(asObject(document.operations)).map(operation => asObject(follow(operation, document)))
    .filter(operation => follow(operation.channel, document) === channel)
  const declared = Object.entries(asObject(channel.messages)).map(([name, message]) => ({ name, target: follow(message, document) }))
  const keysOf = (messages: unknown): string[] => asList(messages).flatMap(message => {
    const target = follow(message, document)
    return declared.filter(one => one.target === target).map(({ name }) => name)
  })
  const of = (action: string): Set<string> => new Set(operations.filter(operation => operation.action === action)
    .flatMap(({ messages }) => messages === undefined ? declared.map(({ name }) => name) : keysOf(messages)))
  const repliesTo = (name: string): string[] => operations
    .filter(({ action, messages }) => action === 'receive' && keysOf(messages).includes(name))
    .flatMap(({ reply }) => keysOf(asObject(follow(reply, document)).messages))
    .filter(answer => constantsOf(asObject(declared.find(({ name }) => name === answer)?.target).payload, document).type !== 'error')

  const messages = declared.map(({ name, target }) => readMessage(document, name, asObject(target), repliesTo(name)))
  const outgoing = of('receive')
  const answers = new Set(messages.flatMap(({ replies }) => replies))
  const incoming = of('send')
  const ws = asObject(asObject(channel.bindings).ws)
  const query = follow(ws.query, document)
  return {
    key,
    address,
    title: typeof channel.title !== 'string' || channel.title.startsWith('/') ? address : `${channel.title} (${address})`,
    description: [asText(channel.summary), asText(channel.description)].filter(Boolean).join('\n'),
    parameters: Object.entries(asObject(channel.parameters)).map(([name, parameter]) => ({ name, schema: { type: 'string', ...asObject(follow(parameter, document)) } })),
    query: isObject(query) ? query : null,
    subprotocols: Object.keys(asObject(channel['x-subprotocols'])),
    keys: operations.flatMap(({ security }) => keysInQuery(document, security)).filter(unique),
    outgoing: messages.filter(message => outgoing.has(message.key)),
    incoming: messages.filter(message => incoming.has(message.key) || answers.has(message.key))
  }
}

function readMessage (document: Json, key: string, message: Json, replies: readonly string[]): DeclaredMessage {
  const payload = asObject(message.payload)
  const [example] = asList(message.examples).map(example => asObject(example).payload)
  return {
    key,
    title: asText(message.title) ?? asText(message.name) ?? key,
    description: asText(message.description) ?? asText(message.summary),
    // A schema of another format is written with it: it lies one level deeper.
    payload: 'schemaFormat' in payload ? payload.schema : message.payload,
    contentType: asText(message.contentType) ?? asText(document.defaultContentType) ?? 'application/json',
    example,
    replies: replies.filter(unique)
  }
}

function keysInQuery (document: Json, security: unknown): string[] {
  return asList(security).map(scheme => asObject(follow(scheme, document)))
    .flatMap(({ type, in: place, name }) => type === 'httpApiKey' && place === 'query' && typeof name === 'string' ? [name] : [])
}

function unique<Value> (value: Value, index: number, all: readonly Value[]): boolean {
  return all.indexOf(value) === index
}
