import { isObject, resolve } from './union.ts'
import type { JsonSchema, SharedSchemas } from './union.ts'

/** Copies the declared fields of a value. */
export type Projection = (value: unknown) => unknown

const whole: Projection = value => value

/** A schema that refers to itself is followed this deep; what lies deeper leaves as it is not at all. */
const maxDepth = 32

/**
 * What the serializer does for JSON, for codecs that encode values themselves (msgpack, for one): fields that the
 * schema does not declare are left out. Where a schema can't be read that way, the value passes whole, as it
 * passes a JSON serializer that has no schema.
 */
export function compileProjection (schema: unknown, root: unknown, shared: SharedSchemas, depth = 0): Projection {
  if (depth > maxDepth) return () => undefined
  const resolved = resolve(schema, root, shared)
  if (resolved === null) return whole
  const nextRoot = isObject(schema) && schema.$ref !== undefined ? { ...asObject(root), ...resolved } : root
  if (Array.isArray(resolved.allOf)) return compileAll(resolved, nextRoot, shared, depth)
  if (isObject(resolved.properties)) return compileObject(resolved, resolved.properties, nextRoot, shared, depth)
  if (isObject(resolved.items)) {
    const item = compileProjection(resolved.items, nextRoot, shared, depth + 1)
    return item === whole ? whole : value => Array.isArray(value) ? value.map(item) : value
  }
  return whole
}

function compileObject (schema: JsonSchema, properties: JsonSchema, root: unknown, shared: SharedSchemas, depth: number): Projection {
  const keepsOthers = schema.additionalProperties !== undefined && schema.additionalProperties !== false
  const fields = Object.entries(properties).map(([name, property]) =>
    ({ name, project: compileProjection(property, root, shared, depth + 1) }))
  return value => {
    if (!isPlain(value)) return value
    const copy: Record<string, unknown> = keepsOthers ? { ...value } : {}
    for (const { name, project } of fields) {
      if (Object.hasOwn(value, name) && value[name] !== undefined) copy[name] = project(value[name])
    }
    return copy
  }
}

/** The fields that any of the parts declares. */
function compileAll (schema: JsonSchema, root: unknown, shared: SharedSchemas, depth: number): Projection {
  const { allOf, ...beside } = schema
  const parts = [beside, ...(allOf as unknown[])]
    .map(part => compileProjection(part, root, shared, depth + 1))
    .filter(part => part !== whole)
  if (parts.length === 0) return whole
  return value => isPlain(value) ? Object.assign({}, ...parts.map(part => part(value))) : value
}

function asObject (value: unknown): JsonSchema {
  return isObject(value) ? value : {}
}

/** Buffers, dates and the like are values, not groups of fields. */
function isPlain (value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
