import { text } from './payloads.ts'
import type { Random } from './random.ts'

/** JSON texts in place of a field's value: wrong types, huge numbers, poison, ids of all kinds, half characters. */
const values = [
  'null', 'true', '0', '-0', '-1', '1.5', '1e400', '-1e400', '1e-400', '9007199254740991', '9007199254740992', '123456789012345678901234567890',
  '""', '" "', '"\\ud800"', '"\\udc00\\ud800"', '"\\u0000"', '"\\u2028"', '"__proto__"', '"constructor"', '"toString"', '"join"', '"r1"',
  '[]', '{}', '[1,[2]]', '{"a":{"b":[]}}', '{"__proto__":{"a":1}}', '{"constructor":{"prototype":{"a":1}}}', '{"constructor":1}', '{"toString":1}',
  '{"then":1}', '{"toJSON":1}', '{"valueOf":null,"length":-1}', `"${'x'.repeat(64)}"`, `"${'x'.repeat(65)}"`, `"${'😀'.repeat(50)}"`, `"${'é'.repeat(101)}"`
]

const names = [
  'type', 'id', 'room', 'text', 'ms', 'since', '__proto__', 'constructor', 'prototype', 'hasOwnProperty', 'toString', 'then', 'toJSON', '', 'a', '0', 'Type', 'type ',
  '\\u0074ype', '\\u005f_proto__', 'code', 'message', 'errors', 'members'
]

const kinds: ReadonlyArray<ReadonlyArray<readonly [name: string, value: string]>> = [
  [['type', '"join"'], ['room', '"r1"']],
  [['type', '"join"'], ['room', '"lobby"'], ['since', '"1"']],
  [['type', '"say"'], ['room', '"lobby"'], ['text', '"hello"']],
  [['type', '"leave"'], ['room', '"r1"']],
  [['type', '"slow"'], ['ms', '1']],
  [['type', '"slow"'], ['ms', '0'], ['text', '"fail"']]
]

const white = ['', '', '', ' ', '\n', '\t\r\n ']

/** The JSON of a message, valid or nearly so. */
export function jsonText (random: Random): string {
  if (random.oneIn(30)) return deep(random)
  if (random.oneIn(30)) return random.pick(values)
  const fields = random.pick(kinds).map(([name, value]) => [name, value])
  if (random.oneIn(2)) fields.splice(random.below(fields.length + 1), 0, ['id', idText(random)])
  for (let i = random.weighted([[4, 0], [4, 1], [2, 2], [1, 5]]); i > 0; i--) {
    const at = random.below(fields.length)
    random.pick<() => void>([
      () => { fields[at] = [fields[at][0], random.pick(values)] },
      () => { fields[at] = [random.pick(names), fields[at][1]] },
      () => fields.splice(at, 1, ...fields.slice(at, at + 1), [random.pick(names), random.pick(values)]),
      () => { if (fields.length > 1) fields.splice(at, 1) },
      () => fields.push([fields[at][0], random.pick(values)]),
      () => { fields[at] = [fields[at][0], JSON.stringify(text(random, random.size(2000)))] }
    ])()
  }
  const json = `{${fields.map(([name, value]) => `${random.pick(white)}"${name}"${random.pick(white)}:${value}`).join(',')}}`
  return random.oneIn(12) ? broken(random, json) : json
}

function idText (random: Random): string {
  return random.weighted([[3, '1'], [3, '"a-1"'], [6, random.pick(values)]])
}

/** Arrays or objects in each other. */
function deep (random: Random): string {
  const depth = random.between(10, 8000)
  const isClosed = !random.oneIn(4)
  const [open, inner, close] = random.pick([['[', '', ']'], ['{"a":', '1', '}'], ['{"__proto__":', '1', '}'], ['{"type":"join","room":', '"r1"', '}']])
  return open.repeat(depth) + inner + (isClosed ? close.repeat(depth) : '')
}

/** No JSON, mostly. */
function broken (random: Random, json: string): string {
  const at = random.below(json.length)
  return random.pick([
    json.slice(0, at),
    json + random.pick(['}', ',', ' x', '\u0000', json]),
    json.slice(0, at) + random.pick([',', '"', '\\', '\u0001', '{', ']', 'NaN', '//', '\ufeff']) + json.slice(at),
    `\ufeff${json}`,
    json.replaceAll('"', "'")
  ])
}
