import type { Payload } from '../../types/codec.ts'
import { FST_ERR_WS_INVALID_MESSAGE, FST_ERR_WS_MESSAGE_TOO_BIG, FST_ERR_WS_OPTION, FST_ERR_WS_UNKNOWN_TYPE, FST_ERR_WS_VALIDATOR_RESULT } from '../errors.ts'
import { refusesId } from './closed-schema.ts'
import type { SharedSchemas } from './references.ts'
import type { SendContract } from './send-contract.ts'
import { readUnion } from './union.ts'
import type { Literal, Union } from './union.ts'

/** A compiled schema: Ajv answers a boolean and puts `errors` on the function, TypeBox `{ value }` or `{ error }`. */
export type Validate = ((value: unknown) => unknown) & { errors?: readonly unknown[] | null }

/** Compiles one schema of a message. */
export type CompileValidator = (schema: unknown) => Validate

/** How one kind of message is checked and who handles it. */
export interface ReceivedKind<Handler> {
  /** null where no schema is declared */
  readonly validate: Validate | null
  readonly handler: Handler
  /** What its messages are answered with; null where that is not declared, and whatever the route sends will do. */
  readonly reply: SendContract | null
  /** Whether the schema refuses the `id` that a client adds to be answered: it is then no part of the message. */
  readonly refusesId: boolean
  /** The most bytes that its messages may have; null where only the route's `maxPayload` holds. */
  readonly maxPayload: number | null
}

/** One handler for every message, or one for each literal of the discriminator. */
export type Handlers<Handler> = Handler | { readonly [literal: string]: Handler }

/** The most bytes of a message by its literal. */
export type PayloadLimits = ReadonlyMap<string, number>

const noPayloadLimits: PayloadLimits = new Map()

/** What messages are answered with, by their literal. */
export type ReplyContracts = ReadonlyMap<string, SendContract>

const noReplies: ReplyContracts = new Map()

/** Handlers that do not fit the schema. */
export class HandlersError extends Error {}

/** Declared replies to messages that are not received. */
export class RepliesError extends Error {}

/** The longest piece of a message that an error repeats. */
const maxEcho = 64

/**
 * What a route receives: finds the kind of a message by one look-up, and checks it with that kind's own validator.
 * Compiled once, when the application starts.
 */
export class ReceiveContract<Handler> {
  readonly #property: string | null
  readonly #kinds: ReadonlyMap<unknown, ReceivedKind<Handler>>
  readonly #only: ReceivedKind<Handler> | null

  private constructor (property: string | null, kinds: ReadonlyMap<unknown, ReceivedKind<Handler>>, only: ReceivedKind<Handler> | null) {
    this.#property = property
    this.#kinds = kinds
    this.#only = only
  }

  /**
   * @param handlers a function for all messages, or an object of them
   * @param payloadLimits the most bytes of a message, by its literal
   * @param replies what messages are answered with, by their literal
   * @throws HandlersError; RepliesError; FST_ERR_WS_OPTION; Error when the schema does not compile
   */
  static compile<Handler> (
    schema: unknown, handlers: Handlers<Handler>, compile: CompileValidator, shared: SharedSchemas, payloadLimits: PayloadLimits = noPayloadLimits,
    replies: ReplyContracts = noReplies
  ): ReceiveContract<Handler> {
    if (typeof handlers === 'function') {
      const handler = handlers as Handler
      const answered = [...replies.keys()]
      const union = schema === undefined
        ? null
        : readUnion(schema, shared, literals => hasKeys(literals, answered)) ?? readUnion(schema, shared, () => true)
      checkPayloadLimits(payloadLimits, union)
      checkReplies(replies, union)
      if (union !== null) return ReceiveContract.#ofUnion(union, compile, shared, () => handler, payloadLimits, replies)
      const validate = schema === undefined ? null : compile(schema)
      return new ReceiveContract(null, new Map(), { validate, handler, reply: null, refusesId: refusesId(schema, shared), maxPayload: null })
    }

    const byLiteral = handlers as { readonly [literal: string]: Handler }
    const keys = Object.keys(byLiteral)
    const union = schema === undefined
      ? null
      : readUnion(schema, shared, literals => sameKeys(literals, keys)) ?? readUnion(schema, shared, () => true)
    if (union === null) {
      throw new HandlersError('an object of handlers needs a schema.receive whose members share a property with a distinct const')
    }
    checkKeys([...union.members.keys()], keys, union.property)
    checkPayloadLimits(payloadLimits, union)
    checkReplies(replies, union)
    return ReceiveContract.#ofUnion(union, compile, shared, literal => byLiteral[literal], payloadLimits, replies)
  }

  static #ofUnion<Handler> (
    union: Union, compile: CompileValidator, shared: SharedSchemas, handlerOf: (literal: Literal) => Handler, payloadLimits: PayloadLimits, replies: ReplyContracts
  ): ReceiveContract<Handler> {
    const kinds = new Map<Literal, ReceivedKind<Handler>>()
    for (const [literal, member] of union.members) {
      const name = String(literal)
      kinds.set(literal, {
        validate: compile(member),
        handler: handlerOf(literal),
        reply: replies.get(name) ?? null,
        refusesId: refusesId(member, shared),
        maxPayload: payloadLimits.get(name) ?? null
      })
    }
    return new ReceiveContract(union.property, kinds, null)
  }

  /** @throws FST_ERR_WS_UNKNOWN_TYPE */
  kindOf (message: unknown): ReceivedKind<Handler> {
    if (this.#only !== null) return this.#only
    const kind = this.#kinds.get(ownProperty(message, this.#property ?? ''))
    if (kind === undefined) throw this.#unknown(message)
    return kind
  }

  /** The value of the discriminator; undefined where there is none. */
  typeOf (message: unknown): Literal | undefined {
    return this.#property === null ? undefined : ownProperty(message, this.#property) as Literal | undefined
  }

  /** The message as its validator lets it through. @throws FST_ERR_WS_INVALID_MESSAGE */
  check (kind: ReceivedKind<Handler>, message: unknown): unknown {
    const { validate } = kind
    if (validate === null) return message
    const result = validate(message)
    if (result === true) return message
    if (result === false) throw invalid(validate.errors ?? [])
    if (typeof result === 'object' && result !== null) {
      if ('error' in result && result.error) throw invalid(errorsOf(result.error))
      if ('value' in result) return result.value
      // It is refused all the same: its rejection must not end the process.
      if (result instanceof Promise) result.catch(ignore)
    }
    throw new FST_ERR_WS_VALIDATOR_RESULT()
  }

  #unknown (message: unknown): Error {
    const property = this.#property ?? ''
    const expected = [...this.#kinds.keys()].map(literal => JSON.stringify(literal)).join(', ')
    const value = ownProperty(message, property)
    const found = value === undefined ? 'is missing' : `is ${echo(value)}`
    return new FST_ERR_WS_UNKNOWN_TYPE(`message/${property} ${found}, expected one of ${expected}`)
  }
}

/** @throws FST_ERR_WS_MESSAGE_TOO_BIG */
export function checkSize (payload: Payload, maxPayload: number): void {
  const { length } = payload
  // Each character of a string stands for at most three bytes of UTF-8: they are counted where that leaves it open.
  if (length <= maxPayload && (typeof payload !== 'string' || length * 3 <= maxPayload || Buffer.byteLength(payload) <= maxPayload)) return
  throw new FST_ERR_WS_MESSAGE_TOO_BIG(`the message is larger than the ${maxPayload} bytes of its type`)
}

function checkPayloadLimits (payloadLimits: PayloadLimits, union: Union | null): void {
  const literals = union === null ? [] : [...union.members.keys()].map(String)
  for (const type of payloadLimits.keys()) {
    if (literals.includes(type)) continue
    throw new FST_ERR_WS_OPTION(`limits.payload.${type}`, union === null
      ? 'needs a schema.receive whose members share a property with a distinct const'
      : `is no message of schema.receive: ${union.property} is ${literals.join(', ')}`)
  }
}

function checkReplies (replies: ReplyContracts, union: Union | null): void {
  if (replies.size === 0) return
  if (union === null) throw new RepliesError('needs a schema.receive whose members share a property with a distinct const')
  const literals = [...union.members.keys()].map(String)
  const unknown = [...replies.keys()].filter(key => !literals.includes(key))
  if (unknown.length > 0) throw new RepliesError(`no message of ${union.property} ${unknown.join(', ')} in schema.receive, only ${literals.join(', ')}`)
}

function ignore (): void {}

function ownProperty (message: unknown, property: string): unknown {
  if (typeof message !== 'object' || message === null || !Object.hasOwn(message, property)) return undefined
  return (message as Record<string, unknown>)[property]
}

/** What an error repeats of a value: nothing that is deep. */
function echo (value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, maxEcho)) : typeof value === 'number' ? String(value) : `of type ${typeof value}`
}

function sameKeys (literals: readonly Literal[], keys: readonly string[]): boolean {
  return literals.length === keys.length && hasKeys(literals, keys)
}

function hasKeys (literals: readonly Literal[], keys: readonly string[]): boolean {
  const names = literals.map(String)
  return keys.every(key => names.includes(key))
}

function checkKeys (literals: readonly Literal[], keys: readonly string[], property: string): void {
  const names = literals.map(String)
  const missing = names.filter(name => !keys.includes(name))
  const extra = keys.filter(key => !names.includes(key))
  const faults = [
    ...(missing.length > 0 ? [`no handler for ${property} ${missing.join(', ')}`] : []),
    ...(extra.length > 0 ? [`no message of ${property} ${extra.join(', ')}`] : [])
  ]
  if (faults.length > 0) throw new HandlersError(faults.join('; '))
}

/** One error of a validator, as Ajv reports it. */
interface Finding {
  readonly instancePath?: string
  readonly keyword?: string
  readonly params?: unknown
  readonly message?: string
}

function invalid (findings: readonly unknown[]): Error {
  const errors = findings.map(readFinding)
  const first = errors[0]
  const text = `message${first?.instancePath ?? ''} ${first?.message ?? 'is not valid'}`
  return new FST_ERR_WS_INVALID_MESSAGE(text, errors)
}

/** Without `schemaPath` and the values themselves, which tell about the inside of the application. */
function readFinding (finding: unknown): Finding {
  const { instancePath, path, keyword, params, message } = finding as Finding & { path?: string }
  return { instancePath: instancePath ?? path ?? '', keyword, params, message }
}

/** What other compilers answer: a list of findings, or an Error. */
function errorsOf (error: unknown): readonly unknown[] {
  if (Array.isArray(error)) return error
  if (typeof error === 'object' && 'errors' in (error as object)) return [...(error as { errors: Iterable<unknown> }).errors]
  return [{ message: error instanceof Error ? error.message : String(error) }]
}
