import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { applyMask, copyMasked, maskInWords } from '../../lib/protocol/mask.ts'
import { assembled, loadSimdMask } from '../../lib/protocol/simd-mask.ts'
import { packageRoot } from '../helpers/paths.ts'
import { assemble } from '../helpers/wat.ts'

const windowSize = 65536

/** On both sides of where another way is taken, and of the edges of the window. */
const lengths = [0, 1, 15, 16, 63, 64, 65, 127, 128, 255, 256, 257, 319, 320, 321, 4095, 4096, 4097]
  .concat([1, 2, 3].flatMap(windows => [-65, -64, -1, 0, 1, 63, 64, 65].map(more => windows * windowSize + more)))

function maskByFormula (bytes: Buffer, key: number, offset: number): Buffer {
  const octets = [key >>> 24, key >>> 16, key >>> 8, key]
  return Buffer.from(bytes.map((byte, i) => byte ^ octets[(offset + i) % 4]))
}

/** Random bytes with more around them, so that what is written beside them is seen. */
function within (length: number, before: number): { memory: Buffer, part: Buffer } {
  const memory = randomBytes(before + length + 70)
  return { memory, part: memory.subarray(before, before + length) }
}

t.test('the module is its source, assembled', async t => {
  const source = await readFile(join(packageRoot, 'lib/protocol/simd-mask.wat'), 'utf8')
  t.equal(assembled, assemble(source).toString('base64'))
})

t.test('the module loads', async t => {
  t.not(loadSimdMask(), null)
})

t.test('without WebAssembly there is none', async t => {
  const { WebAssembly } = globalThis
  t.teardown(() => { globalThis.WebAssembly = WebAssembly })
  Reflect.deleteProperty(globalThis, 'WebAssembly')
  t.equal(loadSimdMask(), null)
})

t.test('masks in place as the formula says, whatever the length, the alignment and the offset, and nothing beside', async t => {
  for (const length of lengths) {
    for (const mask of length < 4 ? [applyMask] : [applyMask, maskInWords]) {
      const key = randomBytes(4).readInt32BE()
      const offset = length % 7
      const { memory, part } = within(length, length % 17)
      const expected = Buffer.concat([memory.subarray(0, length % 17), maskByFormula(part, key, offset), memory.subarray(length % 17 + length)])
      mask(part, key, offset)
      assert.ok(expected.equals(memory), `${mask.name} of ${length} bytes`)
    }
  }
  t.pass(`${lengths.length} lengths`)
})

t.test('masks on the way into another buffer, and writes nothing beside', async t => {
  for (const length of lengths) {
    for (const key of [0, randomBytes(4).readInt32BE()]) {
      for (let offset = 0; offset < 4; offset++) {
        const { part } = within(length, length % 17)
        const masked = maskByFormula(part, key, offset)
        const target = Buffer.alloc(length + 140, 0xa5)
        const at = 3 + length % 13
        copyMasked(part, key, offset, target, at)
        assert.ok(target.subarray(at, at + length).equals(masked), `${length} bytes`)
        assert.ok(target.subarray(0, at).every(byte => byte === 0xa5) && target.subarray(at + length).every(byte => byte === 0xa5), `beside ${length} bytes`)
      }
    }
  }
  t.pass(`${lengths.length} lengths`)
})
