import { asObject, follow, isObject } from './pointer.ts'
import type { Json } from './pointer.ts'

type Draft = { [field: string]: unknown }

/**
 * The document as the renderer takes it, without its parser: each `$ref` is the object that it names, the very same one wherever it is named, so that schemas that
 * contain themselves do; and channels, operations and messages say by which name they are known.
 */
export function asParsed (document: Json): Json {
  const copies = new Map<unknown, unknown>()
  const copy = (value: unknown): unknown => {
    const target = follow(value, document)
    if (typeof target !== 'object' || target === null) return target
    const known = copies.get(target)
    if (known !== undefined) return known
    const made: Draft | unknown[] = Array.isArray(target) ? [] : {}
    copies.set(target, made)
    for (const [name, part] of Object.entries(target)) Object.defineProperty(made, name, { value: copy(part), enumerable: true, writable: true, configurable: true })
    return made
  }

  const parsed = copy(document) as Draft
  const { messages, schemas } = asObject(parsed.components)
  nameAll(messages, 'x-parser-unique-object-id')
  nameAll(schemas, 'x-parser-schema-id')
  nameAll(parsed.channels, 'x-parser-unique-object-id')
  nameAll(parsed.operations, 'x-parser-unique-object-id')
  for (const channel of Object.values(asObject(parsed.channels))) nameAll(asObject(channel).messages, 'x-parser-unique-object-id')
  return { ...parsed, 'x-parser-spec-parsed': true, 'x-parser-api-version': 3 }
}

/** The first name that something is given stays. */
function nameAll (named: unknown, extension: string): void {
  for (const [name, value] of Object.entries(asObject(named))) {
    if (isObject(value)) (value as Draft)[extension] ??= name
  }
}
