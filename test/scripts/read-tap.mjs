import { inspect } from 'node:util'
import { Parser } from 'tap-parser'

const leftOutMark = 'LEFT OUT:'

/**
 * Reads the TAP of a whole run: prints a line a file, each failure in full and whatever is not TAP (the coverage table).
 *
 * What is counted is tests, not assertions: a test is a subtest that has no subtests of its own. Any other failure (an
 * assertion beside subtests, a file that crashed) counts as one more. What was left out counts as neither.
 *
 * @returns {Promise<{ passed: number, failed: number, leftOut: string[] }>}
 */
export function readTap (stream, print) {
  const counts = { passed: 0, failed: 0, leftOut: [] }
  const parser = new Parser()
  readBlock(parser, counts, print)
  parser.on('assert', file => {
    print(`${file.ok ? 'ok    ' : 'FAILED'} ${sourceOf(file.name)} (${Math.round(file.time)} ms)`)
  })
  parser.on('extra', text => print(text.trimEnd()))
  parser.on('bailout', reason => {
    counts.failed++
    print(`Bail out! ${reason}`)
  })
  return new Promise(resolve => {
    parser.once('complete', () => resolve(counts))
    stream.pipe(parser)
  })
}

/** A file or a test: its parser tells of its own assertions and of the closing line of each subtest. */
function readBlock (parser, counts, print) {
  const block = { subtests: 0, failures: 0, leftOut: false }
  let subtest = null

  parser.on('child', child => {
    block.subtests++
    subtest = readBlock(child, counts, print)
  })

  parser.on('assert', line => {
    const notice = leftOutNotice(line)
    if (notice !== null) {
      block.leftOut = true
      counts.leftOut.push(notice)
    }
    if (line.ok) {
      if (line.closingTestPoint && subtest.subtests === 0 && !subtest.leftOut && notice === null) counts.passed++
      return
    }
    block.failures++
    const toldInside = line.closingTestPoint && subtest.failures > 0
    if (!toldInside) printFailure(line, print)
    // The failures of a block without subtests are counted by its closing line, so that it is one failed test.
    const counted = line.closingTestPoint ? subtest.subtests === 0 || !toldInside : block.subtests > 0
    if (counted) counts.failed++
  })

  return block
}

function leftOutNotice (line) {
  if (line.name.startsWith(leftOutMark)) return line.name
  return line.skip || line.todo ? `${leftOutMark} ${sourceOf(line.fullname)} (skip or todo)` : null
}

function printFailure (line, print) {
  print(`not ok ${sourceOf(line.fullname)}`)
  const { diff, at, source, stack, ...others } = line.diag ?? {}
  if (at) print(`    at ${at.fileName}:${at.lineNumber}`)
  const details = diff ?? (Object.keys(others).length > 0 && inspect(others, { depth: 6 }))
  for (const text of [source, details, stack]) {
    if (text) print(text.trimEnd().replace(/^/gm, '    '))
  }
}

/** tap runs, and names, the compiled copies under .build/. */
function sourceOf (name) {
  return name.replace(/^\.build\/(.*?)\.js\b/, '$1.ts')
}
