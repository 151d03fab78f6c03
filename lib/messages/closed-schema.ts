import { isObject, resolve, scopeOf } from './references.ts'
import type { JsonSchema, Resolved, Scope, SharedSchemas } from './references.ts'

/**
 * Whether a schema refuses every object that has an `id`: it is closed (`additionalProperties: false`), and declares none. Where it only may do so, as a union of which
 * some members are closed, it is left alone.
 */
export function refusesId (schema: unknown, shared: SharedSchemas): boolean {
  return refuses(schema, scopeOf(schema, shared), [])
}

function refuses (schema: unknown, scope: Scope, above: readonly JsonSchema[]): boolean {
  const resolved = resolve(schema, scope)
  if (resolved === null || above.includes(resolved.schema)) return false
  const { additionalProperties, unevaluatedProperties, allOf } = resolved.schema
  const path = [...above, resolved.schema]
  const partRefuses = (part: unknown): boolean => refuses(part, resolved.scope, path)
  if (additionalProperties === false && !declaresId(resolved.schema)) return true
  if (unevaluatedProperties === false && !evaluatesId(resolved, path)) return true
  if (Array.isArray(allOf) && allOf.some(partRefuses)) return true
  return [resolved.schema.anyOf, resolved.schema.oneOf].some(list => Array.isArray(list) && list.length > 0 && list.every(partRefuses))
}

function declaresId ({ properties, patternProperties }: JsonSchema): boolean {
  if (isObject(properties) && Object.hasOwn(properties, 'id')) return true
  return isObject(patternProperties) && Object.keys(patternProperties).some(mayMatchId)
}

/** Ajv reads patterns as Unicode, unless it is told not to; other validators do not. What neither can read is theirs to refuse. */
function mayMatchId (pattern: string): boolean {
  return ['u', ''].some(flags => {
    try {
      return new RegExp(pattern, flags).test('id')
    } catch {
      return false
    }
  })
}

/** Whether a part of a schema may say something of an `id`. */
function evaluatesId ({ schema, scope }: Resolved, above: readonly JsonSchema[]): boolean {
  if (saysOfId(schema)) return true
  const parts = ['allOf', 'anyOf', 'oneOf', 'if', 'then', 'else'].flatMap(keyword => schema[keyword] ?? [])
  return [...parts, ...Object.values(schema.dependentSchemas ?? {})].some(part => {
    // What stands beside a reference counts, too.
    if (isObject(part) && saysOfId(part)) return true
    const resolved = resolve(part, scope)
    return resolved === null || (!above.includes(resolved.schema) && evaluatesId(resolved, [...above, resolved.schema]))
  })
}

function saysOfId (schema: JsonSchema): boolean {
  return declaresId(schema) || (schema.additionalProperties !== undefined && schema.additionalProperties !== false)
}

/** A copy: a codec may have kept what it decoded. What it made an object of a class is left alone, since a copy would be none. */
export function withoutId (message: object): object {
  const prototype: unknown = Object.getPrototypeOf(message)
  if (prototype !== Object.prototype && prototype !== null) return message
  const { id, ...others } = message as { readonly id?: unknown }
  return prototype === null ? Object.assign(Object.create(null), others) : others
}
