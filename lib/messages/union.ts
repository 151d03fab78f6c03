/** A JSON schema, as far as this folder looks into it. */
export type JsonSchema = { readonly [keyword: string]: unknown }

/** Schemas of `addSchema`, by `$id`. */
export type SharedSchemas = Readonly<Record<string, unknown>>

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
  const members = membersOf(schema, schema, shared, [])
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

interface Member {
  readonly schema: JsonSchema
  readonly constants: ReadonlyMap<string, Literal>
}

/** The members of a union, those of unions inside included; a schema that is no union is its only member. */
function membersOf (schema: unknown, root: unknown, shared: SharedSchemas, above: readonly JsonSchema[]): Member[] {
  const resolved = resolve(schema, root, shared)
  if (resolved === null || above.includes(resolved.schema)) return [{ schema: asSchema(schema), constants: new Map() }]
  const list = resolved.schema.anyOf ?? resolved.schema.oneOf
  if (!Array.isArray(list)) return [{ schema: asSchema(schema), constants: constantsOf(resolved, shared) }]
  return list
    .flatMap(member => membersOf(member, resolved.root, shared, [...above, resolved.schema]))
    .map(({ schema, constants }) => ({ schema: alone(schema, resolved), constants }))
}

/** One member as a schema of its own: with what the union says beside `anyOf`, and with its document's definitions. */
function alone (member: JsonSchema, union: Resolved): JsonSchema {
  const { anyOf, oneOf, $id, discriminator, title, description, ...beside } = union.schema
  const definitions = definitionsOf(union.root)
  const saysNothing = Object.keys(beside).every(keyword => keyword === '$defs' || keyword === 'definitions' || keyword === '$schema' || keyword === 'type')
  // The member itself where it can be: whoever compiles it knows it again.
  if (saysNothing) return Object.keys(definitions).length === 0 ? member : { ...definitions, ...member }
  return { ...definitions, ...beside, allOf: [...asList(beside.allOf), member] }
}

function definitionsOf (root: unknown): JsonSchema {
  if (!isObject(root)) return {}
  return {
    ...(root.$defs === undefined ? {} : { $defs: root.$defs }),
    ...(root.definitions === undefined ? {} : { definitions: root.definitions })
  }
}

/** The required properties that can have one value only. */
function constantsOf ({ schema, root }: Resolved, shared: SharedSchemas): Map<string, Literal> {
  const constants = new Map<string, Literal>()
  for (const part of asList(schema.allOf)) {
    const resolved = resolve(part, root, shared)
    if (resolved === null) continue
    for (const [name, literal] of constantsOf(resolved, shared)) constants.set(name, literal)
  }
  const required = asList(schema.required)
  if (!isObject(schema.properties)) return constants
  for (const [name, declared] of Object.entries(schema.properties)) {
    const property = resolve(declared, root, shared)?.schema
    if (property === undefined || !required.includes(name)) continue
    const only = property.const ?? (Array.isArray(property.enum) && property.enum.length === 1 ? property.enum[0] : undefined)
    if (typeof only === 'string' || typeof only === 'number') constants.set(name, only)
  }
  return constants
}

/** A schema, and the document in which its own references to `#/…` are looked up. */
export interface Resolved {
  readonly schema: JsonSchema
  readonly root: unknown
}

/** Follows `$ref` through the document's own definitions and the shared schemas; null where it leads nowhere. */
export function resolve (schema: unknown, root: unknown, shared: SharedSchemas): Resolved | null {
  let current = schema
  let base = root
  const seen = new Set<unknown>()
  while (isObject(current) && typeof current.$ref === 'string' && !seen.has(current)) {
    seen.add(current)
    const [id, pointer = ''] = current.$ref.split('#', 2)
    if (id !== '') base = Object.hasOwn(shared, id) ? shared[id] : definitionWithId(current, id) ?? definitionWithId(base, id)
    current = pointTo(base, pointer)
  }
  return isObject(current) && current.$ref === undefined ? { schema: current, root: base } : null
}

/** A definition that has an `$id` of its own, as those of TypeBox's modules. */
function definitionWithId (root: unknown, id: string): unknown {
  if (!isObject(root)) return undefined
  return [root.$defs, root.definitions]
    .flatMap(definitions => isObject(definitions) ? Object.values(definitions) : [])
    .find(definition => isObject(definition) && definition.$id === id)
}

/** JSON Pointer, RFC 6901. */
function pointTo (root: unknown, pointer: string): unknown {
  let current = root
  for (const token of pointer.split('/').slice(1)) {
    const key = decodeURIComponent(token).replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, key)) return undefined
    current = (current as JsonSchema)[key]
  }
  return current
}

function asSchema (value: unknown): JsonSchema {
  return isObject(value) ? value : {}
}

function asList (value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

export function isObject (value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
