import { FST_ERR_WS_SEND_INVALID } from '../errors.ts'
import { compileProjection } from './projection.ts'
import type { Projection } from './projection.ts'
import { isObject, resolve, scopeOf } from './references.ts'
import type { SharedSchemas } from './references.ts'
import { readUnion } from './union.ts'
import type { Literal } from './union.ts'

/** What ties a reply to its request. */
export type MessageId = string | number

export type Serialize = (value: unknown) => string

/** Compiles the serializer of one schema. */
export type CompileSerializer = (schema: unknown) => Serialize

/** How one kind of message leaves. */
interface SentKind {
  readonly serialize: Serialize
  /** The declared fields only, for codecs other than JSON. */
  readonly project: Projection
  readonly replyId: ReplyId
  /** The type that the schema declares for `id`; null where it tells none, or any. */
  readonly idType: 'string' | 'number' | null
}

/**
 * How the `id` of a reply gets into its JSON: `through` the serializer, which declares it; `spliced` into the text
 * of one that doesn't, as a key must not stand twice; `merged`, where a composed schema, or the message itself, does not tell.
 */
type ReplyId = 'through' | 'spliced' | 'merged'

/** The longest id that is repeated to a client. */
const maxIdLength = 64

/**
 * What a route or a room sends: finds the kind of a message by one look-up and serializes it with that kind's own
 * serializer, so that undeclared fields never leave. Compiled once, when the application starts.
 */
export class SendContract {
  readonly #property: string | null
  readonly #kinds: ReadonlyMap<unknown, SentKind>
  readonly #only: SentKind | null
  /** What errors call the schema. */
  readonly name: string

  private constructor (name: string, property: string | null, kinds: ReadonlyMap<unknown, SentKind>, only: SentKind | null) {
    this.name = name
    this.#property = property
    this.#kinds = kinds
    this.#only = only
  }

  /**
   * @param name what errors call the schema
   * @throws Error when the schema does not compile
   */
  static compile (schema: unknown, compile: CompileSerializer, shared: SharedSchemas, name = 'schema.send'): SendContract {
    const kindOf = (member: unknown): SentKind => {
      const serialize = compile(member)
      return {
        serialize,
        project: compileProjection(member, member, shared, value => run(serialize, value)),
        replyId: replyIdOf(member, shared),
        idType: idTypeOf(member, shared)
      }
    }
    const union = readUnion(schema, shared, () => true)
    if (union === null) return new SendContract(name, null, new Map(), kindOf(schema))
    const kinds = new Map<Literal, SentKind>()
    for (const [literal, member] of union.members) kinds.set(literal, kindOf(member))
    return new SendContract(name, union.property, kinds, null)
  }

  /** For routes and rooms that declare nothing: everything leaves as it is. */
  static readonly undeclared = new SendContract('schema.send', null, new Map(), {
    serialize: stringify,
    project: value => value,
    replyId: 'through',
    idType: null
  })

  /** JSON text of the declared fields. @throws FST_ERR_WS_SEND_INVALID */
  serialize (message: unknown): string {
    return run(this.#kindOf(message).serialize, message)
  }

  /** As `serialize`, carrying the `id` of the message that it answers, whether or not the schema declares one. */
  serializeReply (message: unknown, id: MessageId): string {
    const kind = this.#kindOf(message)
    if (!isObject(message)) return run(kind.serialize, message)
    let fields = message
    if (kind.replyId === 'through' && typeof message.toJSON !== 'function') {
      const type = typeof id
      if (kind.idType === null || kind.idType === type) return run(kind.serialize, { ...message, id })
      // The serializer would make another id of it: one that it leaves alone takes its place until the text is there.
      fields = { ...message, id: kind.idType === 'string' ? '' : 0 }
    }
    const text = run(kind.serialize, fields)
    if (!text.startsWith('{')) return text
    if (kind.replyId !== 'spliced' || 'id' in fields) return JSON.stringify({ ...JSON.parse(text), id })
    const prefix = `{"id":${JSON.stringify(id)}`
    return text === '{}' ? `${prefix}}` : `${prefix},${text.slice(1)}`
  }

  /** The declared fields as a value. @throws FST_ERR_WS_SEND_INVALID */
  project (message: unknown): unknown {
    return this.#kindOf(message).project(message)
  }

  #kindOf (message: unknown): SentKind {
    if (this.#only !== null) return this.#only
    const property = this.#property ?? ''
    const value = isObject(message) && Object.hasOwn(message, property) ? message[property] : undefined
    const kind = this.#kinds.get(value)
    if (kind === undefined) {
      const expected = [...this.#kinds.keys()].join(', ')
      throw new FST_ERR_WS_SEND_INVALID(`${this.name} has no message whose ${property} is ${String(value)}, only ${expected}`)
    }
    return kind
  }
}

/** The `id` of a received message: a string of at most 64 characters or a safe integer. */
export function idOf (message: unknown): MessageId | undefined {
  if (typeof message !== 'object' || message === null || !Object.hasOwn(message, 'id')) return undefined
  const id = (message as { id?: unknown }).id
  if (typeof id === 'string') return id.length <= maxIdLength ? id : undefined
  return Number.isSafeInteger(id) ? id as number : undefined
}

function run (serialize: Serialize, message: unknown): string {
  let text: unknown
  try {
    text = serialize(message)
  } catch (error) {
    throw new FST_ERR_WS_SEND_INVALID(error instanceof Error ? error.message : String(error))
  }
  if (typeof text !== 'string') throw new FST_ERR_WS_SEND_INVALID(`a ${typeof message} has no JSON`)
  return text
}

function stringify (message: unknown): string {
  return JSON.stringify(message)
}

function replyIdOf (schema: unknown, shared: SharedSchemas): ReplyId {
  const resolved = resolve(schema, scopeOf(schema, shared))?.schema
  if (resolved === undefined || ['allOf', 'anyOf', 'oneOf', 'if', 'patternProperties'].some(keyword => resolved[keyword] !== undefined)) return 'merged'
  if (isObject(resolved.additionalProperties)) return 'merged'
  const declared = isObject(resolved.properties) && Object.hasOwn(resolved.properties, 'id')
  return declared || resolved.additionalProperties === true ? 'through' : 'spliced'
}

function idTypeOf (schema: unknown, shared: SharedSchemas): SentKind['idType'] {
  const resolved = resolve(schema, scopeOf(schema, shared))
  if (resolved === null) return null
  const { properties } = resolved.schema
  if (!isObject(properties) || !Object.hasOwn(properties, 'id')) return null
  const type = resolve(properties.id, resolved.scope)?.schema.type
  return type === 'string' ? 'string' : type === 'integer' || type === 'number' ? 'number' : null
}
