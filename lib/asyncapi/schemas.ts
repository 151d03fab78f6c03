import { follow, hasSameEntries, isObject } from '../messages/references.ts'
import type { JsonSchema, Scope, SharedSchemas } from '../messages/references.ts'
import { toDraft7 } from './json-schema.ts'
import { Names, toKey } from './names.ts'

/** A schema that others refer to. */
interface Component {
  readonly source: unknown
  readonly scope: Scope
  /** What it is called where nothing else is. */
  readonly wish: string
  schema: unknown
  /** Those that are alike have the same number. */
  kind: number
}

/** A `$ref` of the document; its text is known when all components are. */
interface Reference {
  readonly holder: { $ref: string }
  readonly to: Component
}

/** The schemas of a document: whatever a `$ref` names becomes one of `#/components/schemas`. */
export class Schemas {
  readonly #components: Component[] = []
  readonly #bySource = new Map<unknown, Component[]>()
  readonly #references: Reference[] = []
  /** One of each that name the same: a route's own are copied whenever they are asked for. */
  readonly #shared: SharedSchemas[] = []
  readonly #onLost: (ref: string) => void

  /** @param onLost is told of references that lead nowhere */
  constructor (onLost: (ref: string) => void) {
    this.#onLost = onLost
  }

  /** A schema of the application, as one of the document. */
  convert (schema: unknown, scope: Scope): unknown {
    return toDraft7(schema, scope, (holder, scope) => this.#refer(holder, scope))
  }

  #refer (holder: JsonSchema, scope: Scope): JsonSchema {
    const target = follow(holder, scope)
    if (target === null) {
      this.#onLost(String(holder.$ref))
      return { description: `${String(holder.$ref)}, which is not in this document` }
    }
    const reference = { holder: { $ref: '' }, to: this.#component(target.schema, target.scope, String(holder.$ref)) }
    this.#references.push(reference)
    return reference.holder
  }

  #component (source: unknown, within: Scope, ref: string): Component {
    const scope = { ...within, shared: this.#sharedLike(within.shared) }
    const ofSource = this.#bySource.get(source) ?? []
    const known = ofSource.find(component => isSame(component.scope, scope))
    if (known !== undefined) return known
    const component: Component = { source, scope, wish: wishOf(source, ref), schema: null, kind: 0 }
    this.#components.push(component)
    this.#bySource.set(source, [...ofSource, component])
    // Only now: it may refer to itself.
    component.schema = asObject(this.convert(source, scope))
    return component
  }

  #sharedLike (shared: SharedSchemas): SharedSchemas {
    let same = this.#shared.find(one => one === shared || hasSameEntries(one, shared))
    if (same === undefined) {
      same = shared
      this.#shared.push(same)
    }
    return same
  }

  /** Gives all of them their names, those that are alike the same one. To be called once, when all schemas are converted. */
  finish (): Record<string, JsonSchema> {
    this.#tellApart()
    const names = new Names()
    const byKind = new Map<number, string>()
    const schemas: Record<string, JsonSchema> = {}
    for (const { kind, wish, schema } of this.#components) {
      if (byKind.has(kind)) continue
      const name = names.take(wish)
      byKind.set(kind, name)
      schemas[name] = schema as JsonSchema
    }
    for (const { holder, to } of this.#references) holder.$ref = `#/components/schemas/${byKind.get(to.kind)}`
    return schemas
  }

  /**
   * Scopes have copies of what is the same, and schemas refer to themselves and to each other: all of one name are taken for alike, until they
   * differ in themselves or in what they refer to.
   */
  #tellApart (): void {
    for (let before = 0, count = 1; count !== before;) {
      before = count
      for (const { holder, to } of this.#references) holder.$ref = String(to.kind)
      const kinds = new Map<string, number>()
      const next = this.#components.map(({ kind, wish, schema }) => {
        const content = JSON.stringify([kind, wish, schema])
        if (!kinds.has(content)) kinds.set(content, kinds.size)
        return kinds.get(content) ?? 0
      })
      this.#components.forEach((component, index) => { component.kind = next[index] })
      count = kinds.size
    }
  }
}

/** A component may not be `true` or `false`. */
function asObject (schema: unknown): unknown {
  return schema === true ? {} : schema === false ? { not: {} } : schema
}

function isSame (one: Scope, other: Scope): boolean {
  return one.document === other.document && one.resource === other.resource && one.shared === other.shared
}

/** The last word of `https://example.com/schemas/user.json` or `#/definitions/user`. */
export function wishOf (schema: unknown, ref: string): string {
  const name = isObject(schema) && typeof schema.$id === 'string' ? schema.$id : ref
  const last = name.split(/[/#]/).findLast(part => part !== '') ?? (isObject(schema) ? String(schema.title ?? '') : '')
  return toKey(last.replaceAll('~1', '/').replaceAll('~0', '~').replace(/\.json$/, ''))
}
