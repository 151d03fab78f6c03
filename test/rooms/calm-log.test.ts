import { mock } from 'node:test'
import Fastify from 'fastify'
import t from 'tap'
import { CalmLog } from '../../lib/rooms/calm-log.ts'
import { logLines } from '../helpers/app.ts'
import { historyServer } from '../helpers/histories.ts'
import { keepAlive } from '../helpers/keep-alive.ts'

t.test('of each kind so many lines are written in a second, and the next one tells how many were not', async t => {
  let now = 0
  const clock = mock.method(performance, 'now', () => now)
  t.teardown(() => clock.mock.restore())
  const { lines, stream } = logLines()
  const log = new CalmLog(Fastify({ logger: { stream } }).log)
  for (let count = 0; count < 1_000; count++) log.warn({ room: 'a' }, 'not taken')
  log.error({ room: 'a' }, 'not encoded')
  t.equal(lines.length, 11)
  t.match(lines[10], { level: 50, msg: 'not encoded', omitted: undefined })
  now = 1_000
  for (let count = 0; count < 2; count++) log.warn({ room: 'b' }, 'not taken')
  t.match(lines.slice(11), [{ level: 40, room: 'b', omitted: 990 }, { level: 40, room: 'b', omitted: undefined }])
})

t.test('an adapter that says it is there and takes nothing fills no disk', async t => {
  keepAlive(t)
  const { app, adapter, lines, open } = await historyServer(t, undefined, { plugin: { adapterTimeout: 100 } })
  const anna = await open()
  adapter.isBroken = true
  const sends = Array.from({ length: 12_000 }, (_, n) => app.room('chat:1').send({ n }))
  const joins = Array.from({ length: 1_000 }, (_, n) => anna.connection.join(`chat:${n}`))
  const plain = Array.from({ length: 1_000 }, () => app.room('plain').send({}))
  const outcomes = await Promise.allSettled([...sends, ...joins, ...plain])
  t.ok(outcomes.every(({ status }) => status === 'rejected'))
  t.equal(app.wsStats().adapter.failed, 13_000)
  const warnings = lines.filter(({ level }) => level === 40)
  // Four kinds of lines, in the few seconds that a busy machine may take.
  t.ok(warnings.length < 400, String(warnings.length))
  t.equal(new Set(warnings.map(({ msg }) => msg)).size, 4)
})
