import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../helpers/paths.ts'
import type { Case, Section } from './case.ts'

const page = readFileSync(join(packageRoot, 'docs/conformance.md'), 'utf8')

/** What docs/conformance.md says of the control: the cases that it fails, and those that it fails now and then. */
export interface Lax {
  readonly always: readonly string[]
  readonly sometimes: readonly string[]
}

/** The lines of the table under a heading, as their cells. */
function rowsUnder (heading: string): string[][] {
  const [, rest = ''] = page.split(`\n## ${heading}\n`)
  const [section] = rest.split('\n## ')
  return section.split('\n').filter(line => /^\| *[\d*]/.test(line)).map(line => line.split('|').slice(1, -1).map(cell => cell.trim()))
}

/** The rows that the page should have: a section's number, title, cases, and those of them for permessage-deflate, HTTP/1.1 and HTTP/2 only. */
export function sizesOf (sections: readonly Section[]): string[][] {
  return [
    ...sections.map(({ number, title, cases }) => [String(number), title, ...countsOf(cases)]),
    ['**all**', '', ...countsOf(sections.flatMap(section => section.cases))]
  ]
}

function countsOf (cases: readonly Case[]): string[] {
  const counts = (['deflate', 'http1', 'http2'] as const).map(need => cases.filter(one => one.needs === need).length)
  return [cases.length, ...counts].map(String)
}

/** How many cases the page says that there are. */
export function documentedCount (): number {
  const [, count = ''] = /A table of ([\d,]+) cases/.exec(page) ?? []
  return Number(count.replace(',', ''))
}

export function documentedSizes (): string[][] {
  return rowsUnder('The table')
}

/** The version of the control, and how many cases the page says that it fails. */
export function documentedControl (): { version: string, count: number } {
  const [, version = ''] = /\[ws\]\(\S+\) ([\d.]+),/.exec(page) ?? []
  const [, count = ''] = /These are the (\d+) that it fails/.exec(page) ?? []
  return { version, count: Number(count) }
}

export function documentedLax (): Lax {
  const rows = rowsUnder('Where the control is lax').map(([cases, , behaviour]) => ({ ids: idsOf(cases), isRare: behaviour.startsWith('now and then') }))
  return {
    always: rows.filter(row => !row.isRare).flatMap(row => row.ids),
    sometimes: rows.filter(row => row.isRare).flatMap(row => row.ids)
  }
}

/** `6.5.1–6.5.3, 8.1.2` as ids; a range lies within a group. */
function idsOf (cell: string): string[] {
  return cell.split(', ').flatMap(range => {
    const [first, last = first] = range.split('–')
    const group = first.slice(0, first.lastIndexOf('.'))
    const [from, to] = [first, last].map(id => Number(id.slice(id.lastIndexOf('.') + 1)))
    return Array.from({ length: to - from + 1 }, (_, i) => `${group}.${from + i}`)
  })
}
