import { isObject, resolve, scopeOf } from './references.ts'
import type { JsonSchema, Scope, SharedSchemas } from './references.ts'

/** Copies the declared fields of a value. */
export type Projection = (value: unknown) => unknown

const whole: Projection = value => value

/** What makes the fields of a value depend on more than its place in the schema. */
const conditional = ['allOf', 'anyOf', 'oneOf', 'if', 'patternProperties', 'prefixItems']

/**
 * What the serializer does for JSON, for codecs that encode values themselves (msgpack, for one): fields that the
 * schema does not declare are left out. Where the schema alone does not tell which they are (compositions, unions inside,
 * references to itself), the serializer does: what is missing in its JSON is left out.
 */
export function compileProjection (schema: unknown, root: unknown, shared: SharedSchemas, serialize: (value: unknown) => string): Projection {
  return read(schema, scopeOf(root, shared), []) ?? (value => keep(value, JSON.parse(serialize(value))))
}

/** null where the schema alone does not tell. */
function read (schema: unknown, scope: Scope, above: readonly JsonSchema[]): Projection | null {
  if (schema === true) return whole
  const resolved = resolve(schema, scope)
  if (resolved === null || above.includes(resolved.schema)) return null
  const { type, properties, additionalProperties, items } = resolved.schema
  if (conditional.some(keyword => resolved.schema[keyword] !== undefined)) return null
  if (isObject(additionalProperties) || Array.isArray(items) || (isObject(properties) && items !== undefined)) return null

  const path = [...above, resolved.schema]
  if (isObject(properties) || type === 'object') {
    const fields: Field[] = []
    for (const [name, property] of Object.entries(isObject(properties) ? properties : {})) {
      const project = read(property, resolved.scope, path)
      if (project === null) return null
      fields.push({ name, project })
    }
    return value => copyFields(value, fields, additionalProperties === true)
  }
  if (items === undefined) return whole
  const item = read(items, resolved.scope, path)
  return item === null || item === whole ? item : value => Array.isArray(value) ? value.map(item) : value
}

interface Field {
  readonly name: string
  readonly project: Projection
}

function copyFields (value: unknown, fields: readonly Field[], keepsOthers: boolean): unknown {
  if (!isObject(value)) return value
  const copy: Record<string, unknown> = keepsOthers ? { ...value } : {}
  for (const { name, project } of fields) {
    if (isDeclared(value, name)) copy[name] = project(value[name])
  }
  return copy
}

/** Getters of a class count as its fields, as they do for the serializer; what every object has does not. */
function isDeclared (value: JsonSchema, name: string): boolean {
  return value[name] !== undefined && (Object.hasOwn(value, name) || !(name in Object.prototype))
}

/** What of a value is in its JSON. Bytes, dates and the like, which JSON writes as something else, stay what they are. */
function keep (value: unknown, json: unknown): unknown {
  if (Array.isArray(value) && Array.isArray(json)) return value.map((item, index) => keep(item, json[index]))
  if (!isObject(value) || ArrayBuffer.isView(value) || !isObject(json)) return value
  return Object.fromEntries(Object.entries(json).map(([name, written]) =>
    [name, isDeclared(value, name) ? keep(value[name], written) : written]))
}
