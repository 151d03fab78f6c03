import AjvCompiler from '@fastify/ajv-compiler'
import { SerializerSelector } from '@fastify/fast-json-stringify-compiler'
import type { FastifyInstance } from 'fastify'
import type { WsPluginOptions } from '../../types/options.ts'
import type { Validate } from '../messages/receive-contract.ts'
import type { Serialize } from '../messages/send-contract.ts'
import type { SharedSchemas } from '../messages/union.ts'

type Compiler<Compiled> = (part: { schema: unknown, method: string, url: string, httpPart?: string, httpStatus?: string }) => Compiled

type BuildCompiler<Compiled> = (shared: SharedSchemas, options: object) => Compiler<Compiled>

// The types of both packages describe what Ajv and fast-json-stringify are called with, not what Fastify calls.
// A new pool each time: it tells its Ajvs apart by neither their plugins nor their patterns.
const validatorPool = (): BuildCompiler<Validate> => AjvCompiler() as never
const buildSerializer: BuildCompiler<Serialize> = SerializerSelector() as never

/** The compilers that an application has set; undefined where it has not. */
export interface OwnCompilers {
  readonly validator: Compiler<Validate> | undefined
  readonly serializer: Compiler<Serialize> | undefined
}

/** How the messages of one scope are compiled. */
export interface MessageCompilers {
  readonly shared: SharedSchemas
  readonly validator: (schema: unknown, url: string) => Validate
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
 */
export function messageCompilers (instance: FastifyInstance, own: OwnCompilers, ajv: NonNullable<WsPluginOptions['ajv']>): MessageCompilers {
  const shared = instance.getSchemas()
  const validator = own.validator ?? once(() => validatorPool()(shared, {
    ...ajv,
    customOptions: { ...ajv.customOptions, coerceTypes: false, removeAdditional: false }
  }))
  const serializer = own.serializer ?? once(() => buildSerializer(shared, {}))
  return {
    shared,
    // TypeBox's compiler coerces what is not a body.
    validator: (schema, url) => validator({ schema, method: 'GET', url, httpPart: 'body' }),
    serializer: (schema, url) => serializer({ schema, method: 'GET', url, httpStatus: '200' })
  }
}

/** Builds a compiler when it is first used. */
function once<Compiled> (build: () => Compiler<Compiled>): Compiler<Compiled> {
  let compiler: Compiler<Compiled> | null = null
  return part => {
    compiler ??= build()
    return compiler(part)
  }
}
