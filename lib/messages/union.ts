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
  const root = resolve(schema, schema, shared)
  if (root === null) return null
  const list = root.anyOf ?? root.oneOf
  const members = Array.isArray(list) ? list.map(member => memberOf(root, member, shared)) : [{ schema: root, constants: constantsOf(root) }]
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

/** One member as a schema of its own: with what the union says beside `anyOf`, and with its definitions. */
function memberOf (root: JsonSchema, member: unknown, shared: SharedSchemas): Member {
  const resolved = resolve(member, root, shared)
  const constants = resolved === null ? new Map<string, Literal>() : constantsOf(resolved)
  const { anyOf, oneOf, $id, discriminator, title, description, ...beside } = root
  const own = isObject(member) ? member : {}
  const standsAlone = Object.keys(beside).every(keyword => keyword === '$defs' || keyword === 'definitions' || keyword === '$schema' || keyword === 'type')
  const schema = standsAlone
    ? { ...definitionsOf(root), ...own }
    : { ...beside, allOf: [...(Array.isArray(beside.allOf) ? beside.allOf : []), own] }
  return { schema, constants }
}

function definitionsOf (root: JsonSchema): JsonSchema {
  return {
    ...(root.$defs === undefined ? {} : { $defs: root.$defs }),
    ...(root.definitions === undefined ? {} : { definitions: root.definitions })
  }
}

/** The required properties that can have one value only. */
function constantsOf (schema: JsonSchema): Map<string, Literal> {
  const constants = new Map<string, Literal>()
  const required = Array.isArray(schema.required) ? schema.required : []
  if (!isObject(schema.properties)) return constants
  for (const [name, property] of Object.entries(schema.properties)) {
    if (!isObject(property) || !required.includes(name)) continue
    const only = property.const ?? (Array.isArray(property.enum) && property.enum.length === 1 ? property.enum[0] : undefined)
    if (typeof only === 'string' || typeof only === 'number') constants.set(name, only)
  }
  return constants
}

/** Follows `$ref` through the schema's own definitions and the shared schemas; null where it leads nowhere. */
export function resolve (schema: unknown, root: unknown, shared: SharedSchemas): JsonSchema | null {
  let current = schema
  let base = root
  const seen = new Set<unknown>()
  while (isObject(current) && typeof current.$ref === 'string' && !seen.has(current)) {
    seen.add(current)
    const [id, pointer = ''] = current.$ref.split('#', 2)
    if (id !== '') {
      if (!Object.hasOwn(shared, id)) return null
      base = shared[id]
    }
    current = pointTo(base, pointer)
  }
  return isObject(current) && current.$ref === undefined ? current : null
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

export function isObject (value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
