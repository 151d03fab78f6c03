import t from 'tap'
import { keyOf, slotCount, slotOf } from '../../../lib/rooms/redis/keys.ts'

t.test('no two channels have one key, and each key has one tag, which is not empty', async t => {
  const channels = ['', '%', '{', '}', '{}', '%007b', '{a}', 'a}', '}{', 'a:b', '\ud800', '\ud801', '\udc00', '\ufffd', '🎉', '\0', 'a b', 'größe']
  const keys = channels.map(channel => keyOf('ns', channel))
  t.equal(new Set(keys.map(key => Buffer.from(key).toString('hex'))).size, channels.length)
  for (const key of keys) t.match(key, /^ns:\{[^{}]+\}$/u)
  t.equal(keyOf('ns', '🎉'), 'ns:{🎉}')
})

t.test('the slot is that of the cluster specification', async t => {
  t.equal(slotOf('x:{123456789}'), 0x31C3 % slotCount)
  t.equal(slotOf('x:{foo}'), 12_182)
  t.equal(slotOf('x:{foo}:log'), slotOf('other:{foo}'))
})
