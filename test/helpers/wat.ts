/**
 * Assembles the little of WebAssembly's text format that lib/ uses: one function and one memory, both exported, instructions folded.
 * The specification's chapters are named where a number comes from them: https://webassembly.github.io/spec/core/binary/
 */
export function assemble (source: string): Buffer {
  const module = read(source)
  const memory = find(module, 'memory')
  const func = find(module, 'func')
  const parameters = all(func, 'param').map(typeOf)
  const exports = [[nameOf(memory), 0x02], [nameOf(func), 0x00]] as const
  return Buffer.from([
    0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, [[0x60, ...vector(parameters), ...vector([])]]),
    ...section(3, [[0]]),
    ...section(5, [[0x00, Number(memory.at(-1))]]),
    ...section(7, exports.map(([name, kind]) => [...vector([...Buffer.from(name)]), kind, 0])),
    ...section(10, [sized(body(func))])
  ])
}

type Node = string | Node[]

const types: Record<string, number> = { i32: 0x7f, v128: 0x7b }

/** Chapter 5.4, instructions without immediates. */
const plain: Record<string, number[]> = {
  'i32.add': [0x6a], 'i32.lt_u': [0x49], 'i32x4.splat': [0xfd, 0x11], 'v128.xor': [0xfd, 0x51]
}
/** Those with an alignment, as a power of two, and an offset. */
const memoryAccess: Record<string, number[]> = { 'v128.load': [0xfd, 0x00, 4], 'v128.store': [0xfd, 0x0b, 4] }

function body (func: Node[]): number[] {
  const locals = all(func, 'local')
  const names = [...all(func, 'param'), ...locals].map(([, name]) => name)
  const code = func.slice(1).filter(isInstruction).flatMap(node => instruction(node, names, []))
  return [...vector(locals.map(local => [1, typeOf(local)])), ...code, 0x0b]
}

/** Operands first, then the instruction (chapter 6.5, folded instructions). */
function instruction ([name, ...rest]: Node[], locals: Node[], labels: Node[]): number[] {
  const immediates = rest.filter(node => typeof node === 'string')
  const operands = rest.filter(isNode)
  const inner = name === 'loop' ? [...labels, immediates[0]] : labels
  const before = operands.flatMap(operand => instruction(operand, locals, inner))
  if (typeof name !== 'string') throw new Error('an instruction has a name')
  if (name === 'loop') return [0x03, 0x40, ...before, 0x0b]
  if (name === 'br_if') return [...before, 0x0d, ...unsigned(labels.length - 1 - labels.indexOf(immediates[0]))]
  if (name === 'local.get') return [0x20, ...unsigned(locals.indexOf(immediates[0]))]
  if (name === 'local.set') return [...before, 0x21, ...unsigned(locals.indexOf(immediates[0]))]
  if (name === 'i32.const') return [0x41, ...signed(Number(immediates[0]))]
  if (Object.hasOwn(memoryAccess, name)) return [...before, ...memoryAccess[name], ...unsigned(Number(immediates[0].slice('offset='.length)))]
  if (Object.hasOwn(plain, name)) return [...before, ...plain[name]]
  throw new Error(`an unknown instruction: ${name}`)
}

function isInstruction (node: Node): node is Node[] {
  return isNode(node) && !['export', 'param', 'local'].includes(String(node[0]))
}

function isNode (node: Node): node is Node[] {
  return typeof node !== 'string'
}

/* Of the tree. */

function all (node: Node[], name: string): Node[][] {
  return node.filter(isNode).filter(([head]) => head === name)
}

function find (node: Node[], name: string): Node[] {
  const [found] = all(node, name)
  if (found === undefined) throw new Error(`no ${name}`)
  return found
}

function typeOf (declaration: Node[]): number {
  return types[String(declaration.at(-1))]
}

function nameOf (node: Node[]): string {
  return String(find(node, 'export')[1]).slice(1, -1)
}

/** The tree of parentheses; comments run from two semicolons to the end of the line. */
function read (source: string): Node[] {
  const open: Node[][] = [[]]
  for (const [token] of source.replace(/;;.*/g, '').matchAll(/[()]|[^\s()]+/g)) {
    if (token === '(') {
      open.push([])
    } else if (token === ')') {
      const closed = open.pop() ?? []
      open.at(-1)?.push(closed)
    } else {
      open.at(-1)?.push(token)
    }
  }
  const [module] = open[0]
  if (!isNode(module)) throw new Error('no module')
  return module
}

/* Of the binary format, chapters 5.1 to 5.3. */

function section (id: number, items: number[][]): number[] {
  return [id, ...sized(vector(items))]
}

function vector (items: ReadonlyArray<number | number[]>): number[] {
  return [...unsigned(items.length), ...items.flat()]
}

function sized (bytes: number[]): number[] {
  return [...unsigned(bytes.length), ...bytes]
}

function unsigned (value: number): number[] {
  return value < 0x80 ? [value] : [value & 0x7f | 0x80, ...unsigned(value >>> 7)]
}

function signed (value: number): number[] {
  const low = value & 0x7f
  const rest = value >> 7
  return (rest === 0 && low < 0x40) || (rest === -1 && low >= 0x40) ? [low] : [low | 0x80, ...signed(rest)]
}
