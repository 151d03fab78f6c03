/** `npm run conformance -- ws://host:port/path [--http2] [--deflate] [--only 6.4] [--patience 10000]` */
import { parseArgs } from 'node:util'
import { runCases, selectCases } from './runner.ts'
import { table } from './table.ts'

const usage = 'usage: npm run conformance -- ws://host:port/path [--http2] [--deflate] [--only 6.4] [--patience 10000], wss: with --http2'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { http2: { type: 'boolean' }, deflate: { type: 'boolean' }, only: { type: 'string' }, patience: { type: 'string' } }
})

const [address = ''] = positionals
const secure = address.startsWith('wss://')
if (positionals.length !== 1 || !(secure ? values.http2 === true : address.startsWith('ws://'))) {
  console.error(usage)
  process.exit(2)
}

const url = new URL(address)
const target = { host: url.hostname, port: Number(url.port || (secure ? 443 : 80)), path: `${url.pathname}${url.search}`, secure }
const options = { http2: values.http2, deflate: values.deflate, only: values.only, patience: values.patience === undefined ? undefined : Number(values.patience) }
const outcomes = await runCases(selectCases(table, options), target, options)
const failures = outcomes.filter(({ fault }) => fault !== null)

for (const { case: { id, group, title }, fault } of failures) console.log(`${id}  ${group.title}: ${title}\n    ${fault}\n    ${group.rfc}`)
if (failures.length > 0) console.log()

console.log('section                                    cases    OK  failed')
for (const { number, title, cases } of table) {
  const own = outcomes.filter(outcome => cases.includes(outcome.case))
  const failed = own.filter(({ fault }) => fault !== null).length
  if (own.length > 0) console.log(`${`${number}  ${title}`.padEnd(42)}${line(own.length, failed)}`)
}
console.log(`${''.padEnd(42)}${line(outcomes.length, failures.length)}`)
process.exitCode = failures.length === 0 ? 0 : 1

function line (count: number, failed: number): string {
  return `${String(count).padStart(6)}${String(count - failed).padStart(6)}${String(failed).padStart(8)}`
}
