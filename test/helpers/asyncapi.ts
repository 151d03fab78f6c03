import { Parser } from '@asyncapi/parser'
import type { AsyncApiDocument } from '../../types/asyncapi.ts'

const parser = new Parser()

/** That there is a later version of AsyncAPI is no fault of a document. */
const expected = 'asyncapi-latest-version'

/** What the parser of the AsyncAPI initiative finds: errors, warnings and all else. */
export async function faultsOf (document: AsyncApiDocument | string): Promise<string[]> {
  const text = typeof document === 'string' ? document : JSON.stringify(document)
  const { diagnostics } = await parser.parse(text)
  return diagnostics
    .filter(({ code }) => code !== expected)
    .map(({ code, message, path }) => `${code} at ${path.join('/')}: ${message}`)
}
