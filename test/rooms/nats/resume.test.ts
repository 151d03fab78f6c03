import { jetstream } from '@nats-io/jetstream'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import { natsAdapter } from '../../../lib/rooms/nats/index.ts'
import { buildApp } from '../../helpers/app.ts'
import { NatsServer } from '../../helpers/nats-server.ts'
import { pairedRoute } from '../../helpers/pairs.ts'
import type { Pair } from '../../helpers/pairs.ts'
import { suiteNeeding } from '../../helpers/requirements.ts'

interface Said { n: number, eventId: string }

async function appOn (t: Test, server: NatsServer): Promise<{ app: FastifyInstance, open: () => Promise<Pair> }> {
  const connection = await server.connect(t)
  const app = await buildApp(t, { adapter: natsAdapter({ connection, jetstream: jetstream(connection), commandTimeout: 1_000 }) })
  const open = pairedRoute(app)
  app.rooms.declare('chat:*', { history: { size: 1_000, ttl: 60_000 } })
  await app.ready()
  return { app, open }
}

async function said (pair: Pair, count: number): Promise<Said[]> {
  const messages = []
  while (messages.length < count) messages.push(await pair.client.receive() as Said)
  return messages
}

suiteNeeding(['nats-server'], 'rooms with history over JetStream', async t => {
  t.test('lose nothing, reorder nothing and repeat nothing while the server is killed, hangs and comes back', async t => {
    const server = await NatsServer.start(t, { jetstream: true })
    const [one, two] = [await appOn(t, server), await appOn(t, server)]
    const [here, there] = [await one.open(), await two.open()]
    for (const { connection } of [here, there]) await connection.join('chat:1')

    const sent: Array<Promise<void>> = []
    let count = 0
    const send = (): void => { for (let turn = 0; turn < 20; turn++) sent.push(one.app.room('chat:1').send({ n: count++ })) }
    send()
    await Promise.all(sent)
    send()
    await server.kill()
    send()
    await server.restart()
    send()
    await Promise.all(sent)
    send()
    await server.freeze()
    send()
    while (one.app.rooms.status.state === 'ready') await new Promise(resolve => setTimeout(resolve, 20))
    send()
    server.thaw()
    await Promise.all(sent)

    const numbers = Array.from({ length: count }, (_, number) => number)
    const heard = [await said(here, count), await said(there, count)]
    for (const messages of heard) t.same(messages.map(({ n }) => n), numbers)
    t.same(heard[1].map(({ eventId }) => eventId), heard[0].map(({ eventId }) => eventId))

    // Whoever comes back, to whichever server, gets what it missed.
    const late = await two.open()
    const since = heard[0][49].eventId
    t.match(await late.connection.join('chat:1', { since }), { recovered: true, replayed: count - 50 })
    t.same((await said(late, count - 50)).map(({ n }) => n), numbers.slice(50))
  })

  t.test('a room in which nothing was said yet has a position to come back to', async t => {
    const server = await NatsServer.start(t, { jetstream: true })
    const [one, two] = [await appOn(t, server), await appOn(t, server)]
    const first = await one.open()
    const { eventId } = await first.connection.join('chat:quiet')
    first.client.terminate()
    await first.closed
    await two.app.room('chat:quiet').send({ n: 1 })
    const again = await two.open()
    t.match(await again.connection.join('chat:quiet', { since: eventId }), { recovered: true, replayed: 1 })
    t.match(await said(again, 1), [{ n: 1 }])
  })
})
