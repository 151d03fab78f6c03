import { isObject, resolve, scopeOf } from './references.ts'
import type { JsonSchema, Resolved, Scope, SharedSchemas } from './references.ts'

/** What a discriminator's `const` may be: what can key a handler map. */
export type Literal = string | number

/** Schemas of messages, told apart by the value of one property. */
export interface Union {
  readonly property: string
  readonly members: ReadonlyMap<Literal, JsonSchema>
}

/**
 * Reads a schema as a discriminated union: `anyOf` or `oneOf` of objects that share a property with a distinct
 * `const`, or one such object. Where several properties qualify, `accepts` picks the first that it likes.
 *
 * @returns null when no property tells the members apart
 */
export function readUnion (schema: unknown, shared: SharedSchemas, accepts: (literals: readonly Literal[]) => boolean): Union | null {
  const members = membersOf(schema, scopeOf(schema, shared), [])
  const candidates = members[0]?.constants ?? new Map<string, Literal>()
  for (const property of candidates.keys()) {
    const literals: Literal[] = []
    for (const { constants } of members) {
      const literal = constants.get(property)
      if (literal !== undefined) literals.push(literal)
    }
    const distinct = literals.length === members.length && new Set(literals).size === literals.length
    if (distinct && accepts(literals)) {
      return { property, members: new Map(members.map(({ schema }, index) => [literals[index], schema])) }
    }
  }
  return null
}

/** The members of a union that nothing tells apart, as schemas of their own. */
export function readMembers (schema: unknown, shared: SharedSchemas): JsonSchema[] {
  return membersOf(schema, scopeOf(schema, shared), []).map(member => member.schema)
}

interface Member {
  readonly schema: JsonSchema
  readonly constants: ReadonlyMap<string, Literal>
}

/** The members of a union, those of unions inside included; a schema that is no union is its only member. */
function membersOf (schema: unknown, scope: Scope, above: readonly JsonSchema[]): Member[] {
  const resolved = resolve(schema, scope)
  if (resolved === null || above.includes(resolved.schema)) return [{ schema: asSchema(schema), constants: new Map() }]
  const list = resolved.schema.anyOf ?? resolved.schema.oneOf
  if (!Array.isArray(list)) return [{ schema: asSchema(schema), constants: constantsOf(resolved) }]
  const members = list.flatMap(member => membersOf(member, resolved.scope, [...above, resolved.schema]))
  const toAlone = aloneFrom(resolved)
  return members.map(({ schema, constants }) => ({ schema: toAlone(schema), constants }))
}

/** Makes a schema of its own of one member: with what the union says beside `anyOf`, and with its document's definitions, which all members share. */
function aloneFrom (union: Resolved): (member: JsonSchema) => JsonSchema {
  const { anyOf, oneOf, $id, discriminator, title, description, ...beside } = union.schema
  const definitions = definitionsOf(union.scope)
  const hasDefinitions = Object.keys(definitions).length > 0
  const saysNothing = Object.keys(beside).every(keyword => keyword === '$defs' || keyword === 'definitions' || keyword === '$schema' || keyword === 'type')
  // The member itself where it can be: whoever compiles it knows it again.
  if (saysNothing) return member => hasDefinitions ? { ...definitions, ...member } : member
  return member => ({ ...definitions, ...beside, allOf: [...asList(beside.allOf), member] })
}

function definitionsOf ({ document, resource }: Scope): JsonSchema {
  const definitions: Record<string, unknown> = {}
  for (const root of [document, resource]) {
    for (const keyword of ['$defs', 'definitions']) {
      if (isObject(root) && isObject(root[keyword])) definitions[keyword] = { ...asSchema(definitions[keyword]), ...root[keyword] }
    }
  }
  return definitions
}

/** The required properties that can have one value only. */
function constantsOf ({ schema, scope }: Resolved, above: readonly JsonSchema[] = []): Map<string, Literal> {
  const constants = new Map<string, Literal>()
  for (const part of asList(schema.allOf)) {
    const resolved = resolve(part, scope)
    if (resolved === null || resolved.schema === schema || above.includes(resolved.schema)) continue
    for (const [name, literal] of constantsOf(resolved, [...above, schema])) constants.set(name, literal)
  }
  const required = asList(schema.required)
  if (!isObject(schema.properties)) return constants
  for (const [name, declared] of Object.entries(schema.properties)) {
    const property = resolve(declared, scope)?.schema
    if (property === undefined || !required.includes(name)) continue
    const only = property.const ?? (Array.isArray(property.enum) && property.enum.length === 1 ? property.enum[0] : undefined)
    if (typeof only === 'string' || typeof only === 'number') constants.set(name, only)
  }
  return constants
}

function asSchema (value: unknown): JsonSchema {
  return isObject(value) ? value : {}
}

function asList (value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
