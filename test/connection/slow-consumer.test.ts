import t from 'tap'
import { messageKey } from '../../lib/connection/slow-consumer.ts'
import type { SlowConsumer } from '../../lib/connection/slow-consumer.ts'

const bySymbol: SlowConsumer = { policy: 'keep-latest', key: message => (message as { symbol?: unknown }).symbol }

t.test('messages of one room with the same key are about the same', async t => {
  t.equal(messageKey(bySymbol, 'a', { symbol: 'X', price: 1 }), messageKey(bySymbol, 'a', { symbol: 'X', price: 2 }))
  t.not(messageKey(bySymbol, 'a', { symbol: 'X' }), messageKey(bySymbol, 'a', { symbol: 'Y' }))
})

t.test('the same key in another room, or in none, is about something else', async t => {
  t.not(messageKey(bySymbol, 'a', { symbol: 'X' }), messageKey(bySymbol, 'b', { symbol: 'X' }))
  t.not(messageKey(bySymbol, 'a', { symbol: 'X' }), messageKey(bySymbol, '', { symbol: 'aX' }))
})

t.test('no name of a room and key of a message can pass for another two', async t => {
  const pairs = [['a', 'b:c'], ['a:b', 'c'], ['1:a', 'b'], ['', '1:ab'], ['1', ':ab'], ['11', 'a'], ['1', '1:a']]
  t.equal(new Set(pairs.map(([room, symbol]) => messageKey(bySymbol, room, { symbol }))).size, pairs.length)
})

t.test('a key may be a number, 0 and the empty string included', async t => {
  for (const symbol of [0, 5, '']) t.type(messageKey(bySymbol, 'a', { symbol }), 'string')
})

t.test('a key that is neither string nor number replaces nothing', async t => {
  for (const symbol of [undefined, null, true, {}, ['X'], Symbol('X')]) t.equal(messageKey(bySymbol, 'a', { symbol }), null)
})

t.test('policies without a key have none', async t => {
  t.equal(messageKey({ policy: 'drop-oldest', key: null }, 'a', { symbol: 'X' }), null)
})
