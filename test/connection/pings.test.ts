import t from 'tap'
import { Pings } from '../../lib/connection/pings.ts'

t.test('a pong answers its ping with the round trip', async t => {
  const pings = new Pings()
  const { payload, answered } = pings.start()
  pings.onPong(payload)
  const roundTrip = await answered
  t.ok(roundTrip >= 0 && roundTrip < 1000, String(roundTrip))
})

t.test('every ping carries another payload', async t => {
  const pings = new Pings()
  t.not(pings.start().payload.toString('hex'), pings.start().payload.toString('hex'))
})

t.test('a pong answers the pings before its own too (RFC 6455 section 5.5.3)', async t => {
  const pings = new Pings()
  const [first, second, third] = [pings.start(), pings.start(), pings.start()]
  pings.onPong(second.payload)
  await Promise.all([first.answered, second.answered])
  pings.onClose()
  await t.rejects(third.answered, { code: 'FST_ERR_WS_CLOSED' })
})

t.test('a pong that nobody asked for answers nothing (RFC 6455 section 5.5.3)', async t => {
  const pings = new Pings()
  const { answered } = pings.start()
  for (const payload of ['', 'abcd', 'abcdefgh']) pings.onPong(Buffer.from(payload))
  pings.onClose()
  await t.rejects(answered, { code: 'FST_ERR_WS_CLOSED' })
})

t.test('pings that are not answered reject when the connection closes', async t => {
  const pings = new Pings()
  const all = [pings.start().answered, pings.start().answered]
  pings.onClose()
  for (const answered of all) await t.rejects(answered, { code: 'FST_ERR_WS_CLOSED' })
})
