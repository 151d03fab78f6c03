/** A JSON schema, as far as it is looked into. */
export type JsonSchema = { readonly [keyword: string]: unknown }

/** Schemas of `addSchema`, by `$id`. */
export type SharedSchemas = Readonly<Record<string, unknown>>

/** Whether both name the same. Scopes inherit the shared schemas themselves, not copies. */
export function hasSameEntries (one: SharedSchemas, other: SharedSchemas): boolean {
  const ids = Object.keys(one)
  return ids.length === Object.keys(other).length && ids.every(id => one[id] === other[id])
}

/** What the references of a schema can name. */
export interface Scope {
  /** The schema that has no other around it. */
  readonly document: unknown
  /** The innermost one around with an `$id` of its own, else the document: `#/…` begins there. */
  readonly resource: unknown
  readonly shared: SharedSchemas
  /** What was found in schemas. Not for longer than they are looked into: applications may change them in between. */
  readonly found: Found
}

type Found = WeakMap<object, ReadonlyMap<string, JsonSchema>>

export function scopeOf (document: unknown, shared: SharedSchemas, found: Found = new WeakMap()): Scope {
  return { document, resource: document, shared, found }
}

/** The scope of what is inside a schema. */
export function inside (schema: unknown, scope: Scope): Scope {
  return isObject(schema) && isName(schema.$id) && schema !== scope.resource ? { ...scope, resource: schema } : scope
}

/** What a reference names. */
export interface Target {
  readonly schema: unknown
  readonly scope: Scope
}

/**
 * Follows one `$ref`: to a shared schema, to one of the document with such an `$id` or `$anchor`, or along a JSON Pointer.
 *
 * @param holder the schema with the `$ref`: what is defined in it is nearest
 * @returns null where it leads nowhere
 */
export function follow (holder: JsonSchema, scope: Scope): Target | null {
  const [id, fragment = ''] = String(holder.$ref).split('#', 2)
  const base = id === '' ? { schema: scope.resource, scope } : named(id, holder, scope)
  if (base === null) return null
  const isPointer = fragment === '' || fragment.startsWith('/')
  const schema = isPointer ? pointTo(base.schema, fragment) : namesIn(base.schema, scope.found).get(`#${fragment}`)
  if (schema === undefined) return null
  return { schema, scope: inside(schema, base.scope) }
}

/** A schema that is no reference, and what its own references can name. */
export interface Resolved {
  readonly schema: JsonSchema
  readonly scope: Scope
}

/** Follows references until there is none; null where that leads nowhere. */
export function resolve (schema: unknown, scope: Scope): Resolved | null {
  let target: Target | null = { schema, scope: inside(schema, scope) }
  const seen = new Set<unknown>()
  while (target !== null && isObject(target.schema) && target.schema.$ref !== undefined) {
    if (typeof target.schema.$ref !== 'string' || seen.has(target.schema)) return null
    seen.add(target.schema)
    target = follow(target.schema, target.scope)
  }
  return target !== null && isObject(target.schema) ? { schema: target.schema, scope: target.scope } : null
}

/** The schema with an `$id`: relative ones are looked up as they are first, since that is how applications write most. */
function named (id: string, holder: JsonSchema, scope: Scope): Target | null {
  const base = isObject(scope.resource) ? String(scope.resource.$id ?? '') : ''
  const names = URL.canParse(id, base) ? [id, new URL(id, base).href] : [id]
  for (const name of names) {
    if (Object.hasOwn(scope.shared, name)) return { schema: scope.shared[name], scope: scopeOf(scope.shared[name], scope.shared, scope.found) }
    const schema = namesIn(holder, scope.found).get(name) ?? namesIn(scope.document, scope.found).get(name)
    if (schema !== undefined) return { schema, scope: { ...scope, resource: schema } }
  }
  return null
}

/** The schemas inside of one, itself included, by `$id`, and by `#` with their `$anchor`. */
function namesIn (schema: unknown, known: Found): ReadonlyMap<string, JsonSchema> {
  if (!isObject(schema)) return new Map()
  let names = known.get(schema)
  if (names === undefined) {
    const found = new Map<string, JsonSchema>()
    collectNames(schema, found, new Set())
    names = found
    known.set(schema, names)
  }
  return names
}

/** @param seen what was looked into: schemas of other libraries are no trees */
function collectNames (value: unknown, names: Map<string, JsonSchema>, seen: Set<object>): void {
  if (typeof value !== 'object' || value === null || seen.has(value)) return
  seen.add(value)
  if (isObject(value)) {
    const { $id, $anchor } = value
    // Draft 7 writes an anchor as `$id: '#name'`.
    if (typeof $id === 'string' && !names.has($id)) names.set($id, value)
    if (typeof $anchor === 'string' && !names.has(`#${$anchor}`)) names.set(`#${$anchor}`, value)
  }
  for (const inner of Object.values(value)) collectNames(inner, names, seen)
}

function isName ($id: unknown): boolean {
  return typeof $id === 'string' && !$id.startsWith('#')
}

/** JSON Pointer, RFC 6901. */
function pointTo (root: unknown, pointer: string): unknown {
  let current = root
  for (const token of pointer.split('/').slice(1)) {
    const key = decode(token).replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, key)) return undefined
    current = (current as JsonSchema)[key]
  }
  return current
}

/** Where a sign of per cent encodes nothing, it stands for itself: whoever compiles the schema may refuse it. */
function decode (token: string): string {
  try {
    return decodeURIComponent(token)
  } catch {
    return token
  }
}

export function isObject (value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
