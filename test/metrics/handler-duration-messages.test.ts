import { setTimeout as delay } from 'node:timers/promises'
import { Type } from '@sinclair/typebox'
import t from 'tap'
import { listen } from '../helpers/app.ts'
import { buildMeasuredApp, scrape } from '../helpers/metrics.ts'
import { RawClient } from '../helpers/raw-client.ts'

t.test('handlers of real messages are measured: those that answer at once, those that wait, and those that fail', async t => {
  const app = await buildMeasuredApp(t)
  const wait = 50
  app.ws('/calls', {
    schema: {
      receive: Type.Union([
        Type.Object({ type: Type.Literal('silent') }), Type.Object({ type: Type.Literal('waits') }),
        Type.Object({ type: Type.Literal('throws') }), Type.Object({ type: Type.Literal('rejects') })
      ])
    }
  }, {
    silent () {},
    async waits () {
      await delay(wait)
      return { waited: true }
    },
    throws () { throw new Error('no') },
    async rejects () { throw new Error('no') }
  })
  app.ws('/plain', message => message)
  const port = await listen(app)
  const client = await RawClient.open(port, '/calls')
  for (const type of ['throws', 'rejects', 'nobody knows this one', 'silent', 'silent', 'waits']) client.send({ type })
  for (let answers = 0; answers < 4; answers++) await client.message()
  const plain = await RawClient.open(port, '/plain')
  plain.send({ type: 'made up by the client' })
  await plain.message()

  const metrics = await scrape(port)
  t.same(metrics.byLabel('ws_handler_duration_seconds_count'), { '/calls,silent': 2, '/calls,waits': 1, '/calls,throws': 1, '/calls,rejects': 1, '/plain,': 1 })
  const seconds = metrics.value('ws_handler_duration_seconds_sum', { route: '/calls', type: 'waits' })
  t.ok(seconds >= (wait - 1) / 1_000, `${seconds} s`)
})
