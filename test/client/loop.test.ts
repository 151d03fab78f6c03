import t from 'tap'
import { Loop } from '../../lib/client/loop.ts'

t.test('what comes while the body runs waits', async t => {
  const loop = new Loop(3, new Set())
  const first = loop.next()
  loop.push(1)
  loop.push(2)
  loop.push(3)
  t.same(await first, { done: false, value: 1 })
  t.same([await loop.next(), await loop.next()], [{ done: false, value: 2 }, { done: false, value: 3 }])
})

t.test('several may be asked for at once', async t => {
  const loop = new Loop(3, new Set())
  const asked = [loop.next(), loop.next(), loop.next()]
  loop.push(1)
  loop.push(2)
  loop.end(null)
  t.same(await Promise.all(asked), [{ done: false, value: 1 }, { done: false, value: 2 }, { done: true, value: undefined }])
})

t.test('one message more than may wait ends it, behind those', async t => {
  const loops = new Set<Loop>()
  const loop = new Loop(2, loops)
  t.equal(loops.size, 1)
  for (const message of [1, 2, 3]) loop.push(message)
  t.equal(loops.size, 0, 'it is told of no more')
  t.same([(await loop.next()).value, (await loop.next()).value], [1, 2])
  await t.rejects(loop.next(), { code: 'WS_CLIENT_OVERFLOW', message: 'more than 2 messages wait' })
  t.same(await loop.next(), { done: true, value: undefined }, 'an error is thrown once')
})

t.test('whoever breaks out of it lets go of what waits', async t => {
  const loops = new Set<Loop>()
  const loop = new Loop(2, loops)
  const asked = loop.next()
  t.same(await loop.return(), { done: true, value: undefined })
  t.same(await asked, { done: true, value: undefined })
  t.equal(loops.size, 0)
})
