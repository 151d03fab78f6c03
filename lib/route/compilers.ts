import AjvCompiler from '@fastify/ajv-compiler'
import { SerializerSelector } from '@fastify/fast-json-stringify-compiler'
import type { FastifyInstance } from 'fastify'
import type { WsPluginOptions } from '../../types/options.ts'
import type { CompileValidator, Validate } from '../messages/receive-contract.ts'
import type { Serialize } from '../messages/send-contract.ts'
import { hasSameEntries } from '../messages/references.ts'
import type { SharedSchemas } from '../messages/references.ts'

type Compiler<Compiled> = (part: { schema: unknown, method: string, url: string, httpPart?: string, httpStatus?: string }) => Compiled

type BuildCompiler<Compiled> = (shared: SharedSchemas, options: object) => Compiler<Compiled>

// The types of both packages describe what Ajv and fast-json-stringify are called with, not what Fastify calls.
// A new pool each time: it tells its Ajvs apart by neither their plugins nor their patterns.
const buildValidator: BuildCompiler<Validate> = (shared, options) => (AjvCompiler() as never as BuildCompiler<Validate>)(shared, options)
const buildSerializer: BuildCompiler<Serialize> = SerializerSelector() as never

/** The compilers that an application has set; undefined where it has not. */
export interface OwnCompilers {
  readonly validator: Compiler<Validate> | undefined
  readonly serializer: Compiler<Serialize> | undefined
}

/** How the messages of one route, or of rooms, are compiled. */
export interface MessageCompilers {
  readonly shared: SharedSchemas
  /** What compiles the parts of `schema`. */
  readonly validator: (schema: unknown, url: string) => CompileValidator
  readonly serializer: (schema: unknown, url: string) => Serialize
}

/**
 * The compilers set so far, on the route or the instance. To be asked before Fastify is ready: it then sets up its own
 * for requests, which coerce and strip, and which can't be told from the application's any more.
 */
export function ownCompilers (instance: FastifyInstance, route: Partial<Record<'validatorCompiler' | 'serializerCompiler', unknown>>): OwnCompilers {
  return {
    validator: (route.validatorCompiler ?? instance.validatorCompiler) as OwnCompilers['validator'],
    serializer: (route.serializerCompiler ?? instance.serializerCompiler) as OwnCompilers['serializer']
  }
}

/**
 * The application's compilers, else Fastify's usual ones set up for messages: nothing is coerced, nothing removed.
 *
 * Routes of one server that know the same shared schemas share an Ajv, as those of Fastify do: one costs some milliseconds and near
 * half a megabyte. Unlike there, an `$id` of one route is no name for the others, who may have another schema of that `$id`.
 */
export class CompilerPool {
  readonly #options: object
  readonly #scopes: ScopeCompilers[] = []

  constructor (ajv: NonNullable<WsPluginOptions['ajv']>) {
    this.#options = { ...ajv, customOptions: { ...ajv.customOptions, coerceTypes: false, removeAdditional: false } }
  }

  /** To be asked once all shared schemas are there. */
  of (instance: FastifyInstance, own: OwnCompilers): MessageCompilers {
    const scope = this.#scopeOf(instance.getSchemas())
    const serializer = own.serializer ?? (part => scope.serializer(part))
    return {
      shared: scope.shared,
      validator: (schema, url) => {
        const validator = own.validator ?? scope.validator(schema)
        // TypeBox's compiler coerces what is not a body.
        return part => validator({ schema: part, method: 'GET', url, httpPart: 'body' })
      },
      serializer: (schema, url) => serializer({ schema, method: 'GET', url, httpStatus: '200' })
    }
  }

  #scopeOf (shared: SharedSchemas): ScopeCompilers {
    let scope = this.#scopes.find(scope => hasSameEntries(scope.shared, shared))
    if (scope === undefined) {
      scope = new ScopeCompilers(shared, this.#options)
      this.#scopes.push(scope)
    }
    return scope
  }
}

/** What is compiled where certain shared schemas are known. */
class ScopeCompilers {
  readonly shared: SharedSchemas
  readonly #options: object
  #validator: Compiler<Validate> | null = null
  readonly #validatorsOfNamed = new Map<unknown, Compiler<Validate>>()
  readonly #serializers = new Map<unknown, Serialize>()

  constructor (shared: SharedSchemas, options: object) {
    this.shared = shared
    this.#options = options
  }

  validator (schema: unknown): Compiler<Validate> {
    if (!hasNames(schema)) return (this.#validator ??= buildValidator(this.shared, this.#options))
    let validator = this.#validatorsOfNamed.get(schema)
    if (validator === undefined) {
      validator = buildValidator(this.shared, this.#options)
      this.#validatorsOfNamed.set(schema, validator)
    }
    return validator
  }

  serializer (part: Parameters<Compiler<Serialize>>[0]): Serialize {
    let serialize = this.#serializers.get(part.schema)
    if (serialize === undefined) {
      // A new one for each schema: it forgets the shared schema whose `$id` that has, and others may refer to it.
      serialize = buildSerializer(this.shared, {})(part)
      this.#serializers.set(part.schema, serialize)
    }
    return serialize
  }
}

/** Whether there is an `$id` in a schema: it becomes a name in the Ajv that compiles it. */
function hasNames (schema: unknown): boolean {
  if (typeof schema !== 'object' || schema === null) return false
  return Object.hasOwn(schema, '$id') || Object.values(schema).some(hasNames)
}
