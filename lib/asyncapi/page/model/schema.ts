import { asList, asObject, asText, follow, isObject } from './pointer.ts'
import type { Json } from './pointer.ts'

/** What a form asks for, one level of it: what lies inside is read when it is shown, as a schema may contain itself. */
export type Field = {
  readonly title?: string
  readonly description?: string
  /** Whether it may be null, beside what it is. */
  readonly nullable: boolean
  /** What it is at first. */
  readonly initial?: unknown
  /** What is asked of it, in words. */
  readonly hints: readonly string[]
} & Shape

export type Shape =
  | { readonly kind: 'constant', readonly value: unknown }
  | { readonly kind: 'choice', readonly values: readonly unknown[] }
  | { readonly kind: 'text', readonly format: string, readonly example: string, readonly isLong: boolean }
  | { readonly kind: 'number', readonly step: string, readonly least?: number, readonly most?: number }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'object', readonly properties: ReadonlyArray<{ readonly name: string, readonly schema: unknown, readonly required: boolean }> }
  | { readonly kind: 'record', readonly values: unknown }
  | { readonly kind: 'array', readonly items: unknown, readonly least: number }
  | { readonly kind: 'union', readonly members: ReadonlyArray<{ readonly title: string, readonly schema: unknown }> }
  /** Anything else is written as JSON. */
  | { readonly kind: 'json' }

/** A text may be this long before it has more than one line. */
const longText = 200

/** Reads a schema as a field, in a document whose parts its `$ref`s name. */
export function readField (schema: unknown, root: unknown): Field {
  const whole = merge(schema, root)
  const members = asList(whole.anyOf ?? whole.oneOf)
  const others = members.filter(member => !isNull(member, root))
  if (members.length > 0 && others.length === 1) {
    const { anyOf, oneOf, ...beside } = whole
    const only = readField({ allOf: [beside, others[0]] }, root)
    return { ...only, nullable: only.nullable || others.length < members.length }
  }
  const types = asList(whole.type)
  const nullable = others.length < members.length || whole.nullable === true || (types.includes('null') && types.length > 1) || (Array.isArray(whole.enum) && whole.enum.includes(null))
  const field = { ...wordsOf(whole), nullable, hints: hintsOf(whole), ...shapeOf(whole, others, root) }
  return 'default' in whole ? { ...field, initial: whole.default } : field
}

/** The title of a union's member, a message or a field: what tells it from the others. */
export function titleOf (schema: unknown, root: unknown): string | undefined {
  const whole = merge(schema, root)
  const constants = Object.values(constantsOf(schema, root))
  return asText(whole.title) ?? (constants.length > 0 ? constants.map(String).join(', ') : undefined) ?? refName(schema) ?? asText(whole.type) ?? ('const' in whole ? JSON.stringify(whole.const) : undefined)
}

/** The required properties that can have one value only. */
export function constantsOf (schema: unknown, root: unknown): Json {
  const { properties, required } = merge(schema, root)
  return Object.fromEntries(Object.entries(asObject(properties)).flatMap(([name, property]) => {
    const only = onlyValue(merge(property, root))
    return asList(required).includes(name) && only !== undefined ? [[name, only]] : []
  }))
}

/** Whether an object of the schema may have a property that it need not declare. */
export function takes (schema: unknown, name: string, root: unknown): boolean {
  const { properties, additionalProperties, unevaluatedProperties, type = 'object' } = merge(schema, root)
  return type === 'object' && (Object.hasOwn(asObject(properties), name) || (additionalProperties !== false && unevaluatedProperties !== false))
}

function shapeOf (whole: Json, members: readonly unknown[], root: unknown): Shape {
  if (members.length > 0) return unionOf(whole, members, root)
  const only = onlyValue(whole)
  if (only !== undefined) return { kind: 'constant', value: only }
  if (Array.isArray(whole.enum)) return { kind: 'choice', values: whole.enum.filter(value => value !== null) }
  const types = (Array.isArray(whole.type) ? whole.type : [whole.type]).filter(type => type !== 'null')
  if (types.length > 1) return { kind: 'union', members: types.map(type => ({ title: String(type), schema: { ...whole, type } })) }
  switch (types[0] ?? impliedType(whole)) {
    case 'string': return textOf(whole)
    case 'integer':
    case 'number': return numberOf(whole, types[0] === 'integer')
    case 'boolean': return { kind: 'boolean' }
    case 'array': return isSchema(whole.items) ? { kind: 'array', items: whole.items, least: typeof whole.minItems === 'number' ? whole.minItems : 0 } : { kind: 'json' }
    case 'object': return objectOf(whole)
    default: return { kind: 'json' }
  }
}

function unionOf (whole: Json, members: readonly unknown[], root: unknown): Shape {
  const values = members.map(member => onlyValue(merge(member, root)))
  if (!values.includes(undefined)) return { kind: 'choice', values }
  const { anyOf, oneOf, title, description, ...beside } = whole
  return {
    kind: 'union',
    members: members.map((member, index) => ({
      title: titleOf(member, root) ?? `Option ${index + 1}`,
      schema: Object.keys(beside).length === 0 ? member : { allOf: [beside, member] }
    }))
  }
}

function textOf ({ format, examples, maxLength, contentMediaType }: Json): Shape {
  const [example] = asList(examples)
  return { kind: 'text', format: asText(format) ?? '', example: asText(example) ?? '', isLong: contentMediaType !== undefined || (typeof maxLength === 'number' && maxLength > longText) }
}

function numberOf ({ minimum, maximum, multipleOf }: Json, isWhole: boolean): Shape {
  return {
    kind: 'number',
    step: typeof multipleOf === 'number' ? String(multipleOf) : isWhole ? '1' : 'any',
    ...(typeof minimum === 'number' ? { least: minimum } : {}),
    ...(typeof maximum === 'number' ? { most: maximum } : {})
  }
}

function objectOf ({ properties, required, additionalProperties, patternProperties }: Json): Shape {
  const declared = Object.entries(asObject(properties))
  const [pattern] = Object.values(asObject(patternProperties))
  const values = pattern ?? additionalProperties
  if (declared.length === 0) return isObject(values) ? { kind: 'record', values } : { kind: 'json' }
  return { kind: 'object', properties: declared.map(([name, schema]) => ({ name, schema, required: asList(required).includes(name) })) }
}

/** A schema with all that its references and `allOf` say. */
function merge (schema: unknown, root: unknown, above: readonly unknown[] = []): Json {
  const { $ref, allOf, ...beside } = asObject(schema)
  if (above.includes(schema)) return beside
  const parts = [...($ref === undefined ? [] : [follow(schema, root)]), ...asList(allOf)].map(part => merge(part, root, [...above, schema]))
  return parts.reduceRight<Json>((whole, part) => ({
    ...part,
    ...whole,
    ...(part.properties === undefined ? {} : { properties: { ...asObject(part.properties), ...asObject(whole.properties) } }),
    ...(part.required === undefined ? {} : { required: [...new Set([...asList(part.required), ...asList(whole.required)])] })
  }), beside)
}

function onlyValue (whole: Json): unknown {
  if ('const' in whole) return whole.const
  return Array.isArray(whole.enum) && whole.enum.length === 1 ? whole.enum[0] : undefined
}

function impliedType (whole: Json): string | undefined {
  if (whole.properties !== undefined || whole.additionalProperties !== undefined || whole.patternProperties !== undefined) return 'object'
  return whole.items === undefined ? undefined : 'array'
}

function isNull (schema: unknown, root: unknown): boolean {
  const { type, const: only } = merge(schema, root)
  return type === 'null' || only === null
}

function isSchema (items: unknown): boolean {
  return isObject(items) || items === true
}

function wordsOf ({ title, description }: Json): { title?: string, description?: string } {
  return { ...(typeof title === 'string' ? { title } : {}), ...(typeof description === 'string' ? { description } : {}) }
}

const asked: ReadonlyArray<readonly [string, (value: unknown) => string]> = [
  ['format', value => String(value)],
  ['minLength', value => `at least ${many(value, 'character')}`],
  ['maxLength', value => `at most ${many(value, 'character')}`],
  ['pattern', value => `matches ${value}`],
  ['minimum', value => `≥ ${value}`],
  ['exclusiveMinimum', value => `> ${value}`],
  ['maximum', value => `≤ ${value}`],
  ['exclusiveMaximum', value => `< ${value}`],
  ['multipleOf', value => `a multiple of ${value}`],
  ['minItems', value => `at least ${many(value, 'item')}`],
  ['maxItems', value => `at most ${many(value, 'item')}`],
  ['minProperties', value => `at least ${many(value, 'entry', 'entries')}`],
  ['maxProperties', value => `at most ${many(value, 'entry', 'entries')}`]
]

function many (count: unknown, one: string, more = `${one}s`): string {
  return `${count} ${count === 1 ? one : more}`
}

function hintsOf (whole: Json): string[] {
  return [...(whole.type === 'integer' ? ['a whole number'] : []), ...asked.flatMap(([keyword, say]) => whole[keyword] === undefined ? [] : [say(whole[keyword])])]
}

function refName (schema: unknown): string | undefined {
  return asText(asObject(schema).$ref)?.split('/').at(-1)
}
