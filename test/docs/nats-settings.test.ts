import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { natsNode, numbersOf } from '../helpers/nats-nodes.ts'
import { NatsServer } from '../helpers/nats-server.ts'
import { suiteNeeding } from '../helpers/requirements.ts'
import { blockOf } from './code.ts'

/* A nats-server that is set up as docs/cluster.md says, and a user that may do what it says. */

const block = blockOf('docs/cluster.md', 'nats')
const user = /user: (?<user>[\w-]+), password: (?<pass>[\w-]+)/.exec(block)?.groups ?? {}

suiteNeeding(['nats-server'], 'NATS as docs/cluster.md sets it up', async t => {
  const store = await mkdtemp(join(tmpdir(), 'nats-store-'))
  t.after(() => rm(store, { recursive: true, force: true }))
  const server = await NatsServer.start(t, { config: block.replace('/var/lib/nats', store) })

  t.test('its user carries messages and keeps histories', async t => {
    const [a, b] = [await natsNode(t, server, 'a', { hasHistory: true }, user), await natsNode(t, server, 'b', { hasHistory: true }, user)]
    await b.adapter.subscribe('room')
    await a.publish('room', 'hello')
    t.same(await b.received(), ['room', 'hello'])

    const settings = { size: 10, ttl: 60_000 }
    const { epoch, head } = await a.history.read('kept', null, settings)
    await a.append('kept', [1, 2], settings)
    t.same(numbersOf(await b.history.read('kept', { epoch, offset: head }, settings)), [1, 2])
  })

  t.test('its user may do nothing else', async t => {
    const connection = await server.connect(t, user)
    await t.rejects(connection.request('elsewhere', '', { timeout: 500 }), { name: /PermissionViolation|RequestError/ })
    await t.rejects(server.connect(t, { ...user, pass: 'wrong', maxReconnectAttempts: 0 }), /authorization/i)
  })
})
