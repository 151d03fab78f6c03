import { asList, asObject, asText, isObject, partsOf } from './pointer.ts'
import { constantsOf, readField } from './schema.ts'

/** What a validator found, and where: Ajv's words, or TypeBox's. */
export interface Finding {
  readonly path: readonly string[]
  readonly message: string
}

/** What the errors of a server's error message speak of. */
export function findingsOf (errors: unknown): Finding[] {
  return asList(errors).map(asObject).map(error => {
    const { missingProperty, additionalProperty } = asObject(error.params)
    const property = asText(missingProperty) ?? asText(additionalProperty)
    return {
      path: [...partsOf(asText(error.instancePath) ?? asText(error.path) ?? ''), ...(property === undefined ? [] : [property])],
      message: missingProperty !== undefined ? 'is required' : additionalProperty !== undefined ? 'is not known' : asText(error.message) ?? 'is not valid'
    }
  })
}

/** Whether a value is of a member of a union, as far as can be seen without checking it. */
export function fits (value: unknown, schema: unknown, root: unknown): boolean {
  const field = readField(schema, root)
  if (value === null) return field.nullable
  switch (field.kind) {
    case 'constant': return value === field.value
    case 'choice': return field.values.includes(value)
    case 'text': return typeof value === 'string'
    case 'number': return typeof value === 'number'
    case 'boolean': return typeof value === 'boolean'
    case 'array': return Array.isArray(value)
    case 'record': return isObject(value)
    case 'object':
      return isObject(value) &&
        Object.entries(constantsOf(schema, root)).every(([name, constant]) => value[name] === constant) &&
        field.properties.every(({ name, required }) => !required || Object.hasOwn(value, name))
    case 'union': return field.members.some(member => fits(value, member.schema, root))
    case 'json': return true
  }
}

/** Whether two values are the same JSON, in whichever order their properties are. */
export function isSameJson (one: unknown, other: unknown): boolean {
  return JSON.stringify(one, inOrder) === JSON.stringify(other, inOrder)
}

function inOrder (_name: string, value: unknown): unknown {
  return isObject(value) ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => one < other ? -1 : 1)) : value
}

/** The path and query of a route, with what was filled in. */
export function addressOf (address: string, parameters: Readonly<Record<string, string>>, query: unknown, more: string): string {
  const path = address.replace(/\{([^}]+)\}/g, (_whole, name: string) => encode(parameters[name] ?? '', name.startsWith('wildcard')))
  const search = new URLSearchParams(more)
  for (const [name, value] of Object.entries(asObject(query))) {
    for (const one of Array.isArray(value) ? value : [value]) search.append(name, typeof one === 'object' ? JSON.stringify(one) : String(one))
  }
  return search.size === 0 ? path : `${path}?${search}`
}

/** What a wildcard stands for may have slashes. */
function encode (value: string, isWildcard: boolean): string {
  return isWildcard ? value.split('/').map(encodeURIComponent).join('/') : encodeURIComponent(value)
}

/** Bytes as they are written: `de ad be ef`. */
export function toHex (bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join(' ')
}

/** @throws Error where it is not hexadecimal */
export function fromHex (text: string): Uint8Array<ArrayBuffer> {
  const digits = text.replaceAll(/\s/g, '')
  if (!/^(?:[\da-f]{2})*$/i.test(digits)) throw new Error('Bytes are written as pairs of hexadecimal digits: de ad be ef.')
  return Uint8Array.from(digits.match(/../g) ?? [], pair => Number.parseInt(pair, 16))
}
