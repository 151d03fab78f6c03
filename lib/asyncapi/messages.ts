import type { AsyncApiObject } from '../../types/asyncapi.ts'
import type { WsRoute } from '../../types/fastify.ts'
import { isObject, resolve, scopeOf } from '../messages/references.ts'
import type { JsonSchema } from '../messages/references.ts'
import { readMembers, readUnion } from '../messages/union.ts'
import { toJson } from './json-schema.ts'
import { Names, capitalize, toKey, toPointer } from './names.ts'
import { correlationById } from './own-messages.ts'
import type { OwnMessages } from './own-messages.ts'
import { wishOf } from './schemas.ts'
import type { Schemas } from './schemas.ts'

/** A message of a channel. */
export interface Message {
  /** Its key in the channel. */
  readonly key: string
  /** What tells it from the others; null where nothing does. */
  readonly literal: string | null
  readonly body: AsyncApiObject
}

/** Which way a message goes, and so what it is called where both ways have the same name. */
type Way = 'received' | 'sent' | 'reply'

/** The messages of one channel. */
export class ChannelMessages {
  readonly received: readonly Message[]
  readonly sent: readonly Message[]
  /** By the literal of the message that is answered. */
  readonly replies: ReadonlyMap<string, readonly Message[]>
  /** What this package says by itself. */
  readonly own: readonly Message[]
  readonly #route: WsRoute
  readonly #schemas: Schemas
  readonly #names = new Names()
  /** What goes several ways is one message. */
  readonly #bySchema = new Map<string, Message>()

  constructor (route: WsRoute, schemas: Schemas, ownMessages: OwnMessages) {
    this.#route = route
    this.#schemas = schemas
    const { receive, send, replies = {} } = route.schema ?? {}
    const answered = Object.keys(replies)
    this.received = this.#read(receive, 'received', answered)
    // Without a schema anything may be sent; with replies, those are what is.
    this.sent = send === undefined && answered.length > 0 ? [] : this.#read(send, 'sent', [])
    this.replies = new Map(answered.map(literal => [literal, this.#read(replies[literal], 'reply', [])]))
    this.own = route.notices.map(type => ({
      key: this.#names.take(type, `${type}Notice`),
      literal: type,
      body: ownMessages.refer(type, route.noticeContentType)
    }))
  }

  get all (): Record<string, AsyncApiObject> {
    const all = [...this.received, ...this.sent, ...[...this.replies.values()].flat(), ...this.own]
    return Object.fromEntries(all.map(({ key, body }) => [key, body]))
  }

  /** The members of a union, each a message. */
  #read (schema: unknown, way: Way, answered: readonly string[]): Message[] {
    if (schema === undefined) return [this.#message(null, undefined, way, false)]
    const shared = this.#route.sharedSchemas
    const union = readUnion(schema, shared, literals => answered.every(literal => literals.map(String).includes(literal))) ?? readUnion(schema, shared, () => true)
    const members = union === null
      ? readMembers(schema, shared).map(member => [null, member] as const)
      : [...union.members].map(([literal, member]) => [String(literal), member] as const)
    return members.map(([literal, member]) => this.#message(literal, member, way, way === 'reply' || (literal !== null && answered.includes(literal))))
  }

  #message (literal: string | null, schema: JsonSchema | undefined, way: Way, isCorrelated: boolean): Message {
    const identity = JSON.stringify(toJson([literal, schema]))
    const known = this.#bySchema.get(identity)
    if (known !== undefined) {
      if (isCorrelated) Object.assign(known.body, { correlationId: correlationById })
      return known
    }
    const { sharedSchemas: shared, contentTypes } = this.#route
    const scope = scopeOf(schema, shared)
    const meant = schema === undefined ? {} : resolve(schema, scope)?.schema ?? {}
    const name = literal ?? nameOf(schema, meant)
    const wish = toKey(name)
    const message: Message = {
      key: this.#names.take(wish, wish + capitalize(way)),
      literal,
      body: {
        name,
        ...saidOf(meant),
        contentType: contentTypes[''],
        ...(isCorrelated ? { correlationId: correlationById } : {}),
        ...(schema === undefined ? {} : { payload: payloadOf(this.#schemas.convert(schema, scope)) }),
        ...examplesOf(meant)
      }
    }
    this.#bySchema.set(identity, message)
    return message
  }
}

/** References to messages of a channel. */
export function referTo (channel: string, messages: readonly Message[]): AsyncApiObject[] {
  return messages.map(({ key }) => ({ $ref: toPointer('channels', channel, 'messages', key) }))
}

function nameOf (schema: JsonSchema | undefined, meant: JsonSchema): string {
  if (typeof meant.$id === 'string') return wishOf(meant, '')
  if (typeof schema?.$ref === 'string') return wishOf(meant, schema.$ref)
  return typeof meant.title === 'string' ? meant.title : 'message'
}

/** What a schema says of itself, as the message says it. */
function saidOf ({ title, description, summary, deprecated }: JsonSchema): AsyncApiObject {
  return {
    ...(typeof title === 'string' ? { title } : {}),
    ...(typeof summary === 'string' ? { summary } : {}),
    ...(typeof description === 'string' ? { description } : {}),
    ...(deprecated === true ? { 'x-deprecated': true } : {})
  }
}

function examplesOf ({ examples }: JsonSchema): AsyncApiObject {
  const payloads = toJson(examples)
  return Array.isArray(payloads) && payloads.length > 0 ? { examples: payloads.map(payload => ({ payload })) } : {}
}

/** Without what the message says instead. */
function payloadOf (payload: unknown): unknown {
  // The document fills in a reference later: it has to be this one.
  if (!isObject(payload) || payload.$ref !== undefined) return payload
  const { description, examples, summary, ...others } = payload
  return others
}
