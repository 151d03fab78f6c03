import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { packageRoot } from '../helpers/paths.ts'

const docs = readdirSync(join(packageRoot, 'docs')).filter(file => file.endsWith('.md')).map(file => `docs/${file}`)
const reference = readdirSync(join(packageRoot, 'docs/api')).map(file => `docs/api/${file}`)
const pages = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'examples/README.md', ...docs, ...reference]

/** A page without its code, in which nothing is a heading or a link. */
function proseOf (page: string): string {
  return readFileSync(join(packageRoot, page), 'utf8').replace(/^```[^]*?^```/gm, '')
}

const linksOf = (page: string): string[] => [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link)

/** What GitHub makes of the headings: the second of the same words ends with -1. */
function anchorsOf (page: string): Set<string> {
  const anchors = new Set<string>([...proseOf(page).matchAll(/<a id="([^"]+)">/g)].map(([, id]) => id))
  for (const [, heading] of proseOf(page).matchAll(/^#{1,6} (.+)$/gm)) {
    const words = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').trim().toLowerCase()
    const anchor = words.replace(/[^\p{L}\p{N}_\- ]/gu, '').replaceAll(' ', '-')
    let name = anchor
    for (let times = 1; anchors.has(name); times++) name = `${anchor}-${times}`
    anchors.add(name)
  }
  return anchors
}

/** Of a page's links to files, those that lead nowhere. */
function deadLinksOf (page: string, links: readonly string[]): string[] {
  return links.filter(link => {
    if (/^[a-z]+:/.test(link)) return false
    const [file, anchor] = link.split('#')
    const target = file === '' ? page : join(dirname(page), file)
    return !existsSync(join(packageRoot, target)) || (anchor !== undefined && !anchorsOf(target).has(anchor))
  })
}

t.test('every link leads to a file that is there, and to a heading that is in it', async t => {
  for (const page of pages) t.same(deadLinksOf(page, linksOf(page)), [], page)
})

t.test('a link that leads nowhere would be noticed', async t => {
  const links = ['limits.md#rates', 'limits.md#rate', 'limit.md', '#close-codes', '../README.md#install', 'errors.md#fst_err_ws_message_too_big-1', 'errors.md#fst_err_ws_message_too_big-2', 'https://example.com/#no']
  t.same(deadLinksOf('docs/limits.md', links), ['limits.md#rate', 'limit.md', '#close-codes', 'errors.md#fst_err_ws_message_too_big-2'])
  t.ok(linksOf('docs/limits.md').includes('errors.md#fst_err_ws_client_limit'))
})

t.test('the index and the README name every page', async t => {
  const pagesOf = (page: string): string[] => deduplicated(linksOf(page).map(link => link.split('#')[0]).filter(link => link.endsWith('.md')).map(link => join(dirname(page), link)))
  t.same(pagesOf('docs/README.md'), ['docs/api/README.md', ...docs.filter(page => page !== 'docs/README.md')].sort())
  t.same(pagesOf('docs/api/README.md'), reference.filter(page => page !== 'docs/api/README.md').sort())
  t.same(docs.filter(page => page !== 'docs/README.md' && !pagesOf('README.md').includes(page)), [])
})

function deduplicated (names: readonly string[]): string[] {
  return [...new Set(names)].sort()
}
