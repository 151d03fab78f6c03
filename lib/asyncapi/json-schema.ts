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
 * A copy of a schema that AsyncAPI takes: draft 7 in plain JSON, each reference as `refer` says. The schema itself stays as it is. An application with compilers of its own
 * may have schemas of another kind: nothing is said of what is no JSON schema, nor of one inside of itself.
 */
export function toDraft7 (schema: unknown, outer: Scope, refer: Refer, above: readonly unknown[] = []): unknown {
  if (typeof schema === 'boolean') return schema
  if (!isPlain(schema) || above.includes(schema)) return {}
  const scope = inside(schema, outer)
  const path = [...above, schema]
  const copy: Record<string, unknown> = {}
  for (const [keyword, value] of Object.entries(schema)) {
    if (naming.has(keyword) || value === undefined) continue
    Object.assign(copy, copyKeyword(keyword, value, part => toDraft7(part, scope, refer, path)))
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

/** Not an object of a class, as schemas of other libraries are. */
function isPlain (schema: unknown): schema is JsonSchema {
  if (!isObject(schema)) return false
  const prototype: unknown = Object.getPrototypeOf(schema)
  return prototype === Object.prototype || prototype === null
}

/** A copy in plain JSON, without what leads back to where it is; undefined where there is none. */
export function toJson (value: unknown): unknown {
  const above: unknown[] = []
  const text = JSON.stringify(value, function (this: unknown, _name, inner: unknown) {
    if (typeof inner === 'bigint') return Number(inner)
    if (typeof inner !== 'object' || inner === null) return inner
    while (above.length > 0 && above.at(-1) !== this) above.pop()
    if (above.includes(inner)) return undefined
    above.push(inner)
    return inner
  })
  return text === undefined ? undefined : JSON.parse(text)
}
