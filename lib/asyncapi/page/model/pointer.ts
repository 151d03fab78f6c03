export type Json = { readonly [field: string]: unknown }

export function isObject (value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function asObject (value: unknown): Json {
  return isObject(value) ? value : {}
}

export function asList (value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

export function asText (value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** The parts of a JSON Pointer (RFC 6901), or of one in a URL's fragment. */
export function partsOf (pointer: string): string[] {
  const isFragment = pointer.startsWith('#')
  return pointer.split('/').slice(1)
    .map(part => isFragment ? decodeURIComponent(part) : part)
    .map(part => part.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** What a value is once its `$ref`s are followed; undefined where they lead nowhere. */
export function follow (value: unknown, root: unknown): unknown {
  const seen = new Set<unknown>()
  let current = value
  while (isObject(current) && typeof current.$ref === 'string') {
    if (seen.has(current)) return undefined
    seen.add(current)
    current = partsOf(current.$ref).reduce<unknown>((at, part) => typeof at === 'object' && at !== null && Object.hasOwn(at, part) ? (at as Json)[part] : undefined, root)
  }
  return current
}
