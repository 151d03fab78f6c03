import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { Window } from '../../lib/connection/window.ts'
import { holds } from '../helpers/property.ts'

t.test('a new window has nothing and takes no memory', async t => {
  const window = new Window(15)
  t.equal(window.bytes, undefined)
  t.equal(window.held, 0)
})

t.test('empty messages leave it as it is', async t => {
  const window = new Window(8)
  window.push(Buffer.alloc(0))
  t.equal(window.bytes, undefined)
  window.push(Buffer.from('a'))
  window.push(Buffer.alloc(0))
  t.equal(String(window.bytes), 'a')
})

t.test('of a message larger than the window its end remains', async t => {
  const window = new Window(8)
  window.push(Buffer.from('before'))
  window.push(Buffer.concat([Buffer.alloc(1000, 'a'), Buffer.alloc(256, 'b')]))
  t.equal(String(window.bytes), 'b'.repeat(256))
})

t.test('it keeps a copy', async t => {
  const window = new Window(8)
  const message = Buffer.from('Hello')
  window.push(message)
  message.fill(0)
  t.equal(String(window.bytes), 'Hello')
})

t.test('a few small messages take little', async t => {
  const window = new Window(15)
  for (let i = 0; i < 10; i++) window.push(Buffer.alloc(10))
  t.ok(window.held <= 400, `${window.held} bytes`)
})

t.test('any messages leave their last 2^bits bytes, in at most twice that memory', async t => {
  const anyMessage = fc.tuple(fc.nat(255), fc.oneof(fc.nat(20), fc.nat(300), fc.nat(3000))).map(([first, length]) =>
    Buffer.from(Array.from({ length }, (_, i) => first + i * 7))
  )
  holds(t, fc.property(fc.integer({ min: 8, max: 11 }), fc.array(anyMessage, { maxLength: 60 }), (bits, messages) => {
    const window = new Window(bits)
    let all = Buffer.alloc(0)
    for (const message of messages) {
      window.push(message)
      all = Buffer.concat([all, message])
      assert.deepEqual(window.bytes ?? Buffer.alloc(0), all.subarray(Math.max(0, all.length - 2 ** bits)))
      assert.ok(window.held <= 2 * 2 ** bits)
      assert.ok(window.held <= 4 * all.length)
    }
  }), { numRuns: 200 })
})
