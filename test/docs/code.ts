import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../helpers/paths.ts'

export interface Block {
  /** Of the page, from 1 on: the one behind the fence. */
  readonly line: number
  /** What is said behind the fence; '' for nothing. */
  readonly language: string
  readonly code: string
}

/** What each page takes as given. */
const always = { Fastify: "import Fastify from 'fastify'", typedWs: "import typedWs from 'fastify-typed-ws'", Type: "import { Type } from '@sinclair/typebox'" }

const importLine = /^import (?<type>type )?(?:(?<whole>\w+)(?:, )?)?(?:\{ (?<names>.+) \})? from '(?<from>.+)'$/gm

/** The code blocks of a page, in its order. */
export function blocksOf (page: string): Block[] {
  const text = readFileSync(join(packageRoot, page), 'utf8')
  return [...text.matchAll(/^```(.*)\n([^]*?)^```$/gm)].map(({ 1: language, 2: code, index }) => ({ line: text.slice(0, index).split('\n').length + 1, language, code }))
}

/** A page's only block in a language, or the one of this number. */
export function blockOf (page: string, language: string, index = 0): string {
  const block = blocksOf(page).filter(block => block.language === language).at(index)
  if (block === undefined) throw new Error(`${page} has no block ${index} of ${language}`)
  return block.code
}

/**
 * All code of a page as one module, or null where it has none. Each block is in the scope of those before it, and may name something anew. Imports may be repeated,
 * as readers come in the middle; what a page exports, and imports from a folder beside, is the same.
 *
 * @param given what the page leaves to its readers
 * @param end the line that it ends before
 */
export function moduleOf (page: string, given = '', end = Infinity): string | null {
  const blocks = blocksOf(page).filter(({ language, line }) => language === 'ts' && line < end)
  if (blocks.length === 0) return null
  const imports = new Map<string, string>()
  const augmentations: string[] = []
  const shown = new Set(blocks.flatMap(({ code }) => [...code.matchAll(/^export const (\w+)/gm)].map(([, name]) => name)))
  const scopes = blocks.map(({ line, code }) => {
    const body = code
      .replace(importLine, (_line, ...groups) => {
        const { type = '', whole, names, from = '' }: Record<string, string | undefined> = groups.at(-1)
        if (from.startsWith('../') && names?.split(', ').every(name => shown.has(name))) return ''
        if (whole !== undefined) imports.set(whole, `import ${type}${whole} from '${from}'`)
        for (const name of names?.split(', ') ?? []) imports.set(name, `import ${type}{ ${name} } from '${from}'`)
        return ''
      })
      .replace(/^declare module [^]*?^\}$/gm, augmentation => {
        augmentations.push(augmentation)
        return ''
      })
      .replace(/^export /gm, '')
    return `{ // ${page}:${line}\n${body}`
  })
  for (const [name, line] of Object.entries(always)) if (!imports.has(name)) imports.set(name, line)
  return [
    ...imports.values(), ...augmentations, given,
    'const app = Fastify()', 'await app.register(typedWs)', 'void Type',
    ...scopes, '}'.repeat(scopes.length), ''
  ].join('\n')
}
