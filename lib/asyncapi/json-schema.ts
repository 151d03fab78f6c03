import { inside, isObject } from '../messages/references.ts'
import type { JsonSchema, Scope } from '../messages/references.ts'

/** What a `$ref` becomes. */
export type Refer = (holder: JsonSchema, scope: Scope) => JsonSchema

/** Keywords whose value is a schema, a list of them, or an object of them. */
const ofSchema = new Set([
  'additionalItems', 'additionalProperties', 'contains', 'contentSchema', 'else', 'if', 'not', 'propertyNames', 'then', 'unevaluatedItems', 'unevaluatedProperties'
])
const ofList = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems'])
const ofMap = new Set(['dependencies', 'dependentSchemas', 'patternProperties', 'properties'])

/** What gives names to schemas. Those that are referred to have a name of the document. */
const naming = new Set(['$schema', '$id', '$anchor', '$defs', 'definitions', '$ref'])

/** The types of JSON Schema. */
const jsonTypes = new Set(['array', 'boolean', 'integer', 'null', 'number', 'object', 'string'])

/** Types of other libraries, as they are in JSON or in a binary codec. */
const otherTypes: Readonly<Record<string, JsonSchema>> = {
  bigint: { type: 'integer', format: 'int64' },
  Date: { type: 'string', format: 'date-time' },
  Uint8Array: { type: 'string', format: 'binary' }
}

/**
 * A copy of a schema that AsyncAPI takes: draft 7 in plain JSON, each reference as `refer` says. The schema itself stays as it is.
 */
export function toDraft7 (schema: unknown, outer: Scope, refer: Refer): unknown {
  if (typeof schema === 'boolean') return schema
  if (!isObject(schema)) return {}
  const scope = inside(schema, outer)
  const copy: Record<string, unknown> = {}
  for (const [keyword, value] of Object.entries(schema)) {
    if (naming.has(keyword) || value === undefined) continue
    Object.assign(copy, copyKeyword(keyword, value, part => toDraft7(part, scope, refer)))
  }
  if (copy.nullable === true && typeof copy.type === 'string') copy.type = [copy.type, 'null']
  delete copy.nullable
  return typeof schema.$ref === 'string' ? withReference(copy, refer(schema, scope)) : copy
}

function copyKeyword (keyword: string, value: unknown, toPart: (part: unknown) => unknown): JsonSchema {
  if (keyword === 'type') return copyType(value)
  if (keyword === 'discriminator' && isObject(value)) return { discriminator: value.propertyName }
  if (ofSchema.has(keyword)) return { [keyword]: toPart(value) }
  if (keyword === 'items') return { items: Array.isArray(value) ? value.map(toPart) : toPart(value) }
  if (ofList.has(keyword) && Array.isArray(value)) return { [keyword]: value.map(toPart) }
  if (ofMap.has(keyword) && isObject(value)) {
    // Dependencies may be lists of names, too.
    return { [keyword]: Object.fromEntries(Object.entries(value).map(([name, part]) => [name, Array.isArray(part) ? part : toPart(part)])) }
  }
  const json = toJson(value)
  return json === undefined ? {} : { [keyword]: json }
}

function copyType (type: unknown): JsonSchema {
  if (typeof type === 'string' && Object.hasOwn(otherTypes, type)) return otherTypes[type]
  const types = [type].flat().filter(name => jsonTypes.has(String(name)))
  if (types.length === 0) return {}
  return { type: types.length === 1 ? types[0] : types }
}

/** What stands beside a `$ref` counts, too: of draft 7 it does not. */
function withReference (beside: Record<string, unknown>, reference: JsonSchema): JsonSchema {
  if (Object.keys(beside).length === 0) return reference
  const { allOf, ...others } = beside
  return { ...others, allOf: [reference, ...(Array.isArray(allOf) ? allOf : [])] }
}

/** A copy in plain JSON; undefined where there is none. */
export function toJson (value: unknown): unknown {
  const text = JSON.stringify(value, (_name, inner: unknown) => typeof inner === 'bigint' ? Number(inner) : inner)
  return text === undefined ? undefined : JSON.parse(text)
}
