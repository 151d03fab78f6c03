import { Parser } from '@asyncapi/parser'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import asyncapi from '../../lib/asyncapi/index.ts'
import type { AsyncApiDocument, AsyncApiObject, AsyncApiOptions } from '../../types/asyncapi.ts'
import type { WsPluginOptions } from '../../types/index.ts'
import { buildApp } from './app.ts'

const parser = new Parser()

/** That there is a later version of AsyncAPI is no fault of a document. */
const expected = 'asyncapi-latest-version'

/** What the parser of the AsyncAPI initiative finds: errors, warnings and all else. */
export async function faultsOf (document: AsyncApiDocument | string): Promise<string[]> {
  const diagnostics = await parser.validate(typeof document === 'string' ? document : JSON.stringify(document))
  return diagnostics
    .filter(({ code }) => code !== expected)
    .map(({ code, message, path }) => `${code} at ${path.join('/')}: ${message}`)
}

/** An application with documents of its routes, and no page. */
export async function buildDocumented (t: Test, options: AsyncApiOptions = {}, wsOptions: WsPluginOptions = {}): Promise<FastifyInstance> {
  const app = await buildApp(t, wsOptions)
  await app.register(asyncapi, { page: false, ...options })
  return app
}

/** The document of an application that is declared so. */
export async function documentOf (t: Test, declare: (app: FastifyInstance) => unknown, options: AsyncApiOptions = {}): Promise<AsyncApiDocument> {
  const app = await buildDocumented(t, options)
  await declare(app)
  await app.ready()
  return app.asyncapi()
}

/** The same, which AsyncAPI takes: its parser needs half a second for that. */
export async function validDocumentOf (t: Test, declare: (app: FastifyInstance) => unknown, options: AsyncApiOptions = {}): Promise<AsyncApiDocument> {
  const document = await documentOf(t, declare, options)
  t.same(await faultsOf(document), [])
  return document
}

/** A part of a document by its path. */
export function at (document: unknown, ...path: readonly string[]): AsyncApiObject {
  let part = document
  for (const name of path) part = (part as AsyncApiObject | undefined)?.[name]
  return part as AsyncApiObject
}

/** The last names of references. */
export function namesOf (references: unknown): string[] {
  return (references as Array<{ $ref: string }>).map(({ $ref }) => $ref.split('/').pop() ?? '')
}
