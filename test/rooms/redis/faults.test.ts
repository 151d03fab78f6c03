import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import type { Test } from 'tap'
import { redisAdapter } from '../../../lib/rooms/redis/index.ts'
import { buildApp } from '../../helpers/app.ts'
import { Node, nodes } from '../../helpers/nodes.ts'
import { RedisServer } from '../../helpers/redis-server.ts'
import { suiteNeeding } from '../../helpers/requirements.ts'
import { newClients, newClusters } from './clients.ts'

const unavailable = { code: 'FST_ERR_WS_ADAPTER_UNAVAILABLE' }
const settings = { size: 10, ttl: 60_000 }
/** Short, so that a server which hangs is soon noticed. */
const commandTimeout = 500

for (const title of Object.keys(newClients)) {
  suiteNeeding(['redis-server'], `${title}: faults`, async t => {
    /** Nodes on a server that may be killed. */
    async function start (t: Test, { args = [], durable = false }: { args?: readonly string[], durable?: boolean } = {}): Promise<{ server: RedisServer, a: Node, b: Node }> {
      const server = await RedisServer.start(t, args)
      const [, newCluster] = newClusters(server, { commandTimeout, durable }).find(([name]) => name === title) ?? []
      if (newCluster === undefined) throw new Error('no such library')
      const [a, b] = await nodes(t, newCluster, 2)
      return { server, a, b }
    }

    async function both (a: Node, b: Node, state: 'ready' | 'unavailable'): Promise<void> {
      await a.change(state)
      await b.change(state)
    }

    t.test('while the server is gone everything is refused at once; when it is back, all is subscribed to that is wanted by then', async t => {
      const { server, a, b } = await start(t)
      await b.adapter.subscribe('kept')
      await b.adapter.subscribe('dropped')
      await server.kill()
      await both(a, b, 'unavailable')
      await t.rejects(a.publish('kept', 'lost'), unavailable)
      await t.rejects(a.append('kept', [1], settings), unavailable)
      await t.rejects(a.history.read('kept', null, settings), unavailable)
      await b.adapter.subscribe('new')
      await b.adapter.unsubscribe('dropped')
      await server.restart()
      await both(a, b, 'ready')
      const channels = await server.command('PUBSUB', 'CHANNELS')
      t.ok(channels.includes('{kept}') && channels.includes('{new}') && !channels.includes('{dropped}'))
      for (const room of ['dropped', 'kept', 'new']) await a.publish(room, 'hello')
      t.same([await b.received(), await b.received()], [['kept', 'hello'], ['new', 'hello']])
      t.same(b.states, ['unavailable', 'ready'])
    })

    t.test('a server that hangs is noticed though nothing is sent, and used again when it goes on', async t => {
      const { server, a, b } = await start(t)
      await b.adapter.subscribe('room')
      await server.freeze()
      await both(a, b, 'unavailable')
      await t.rejects(a.publish('room', 'lost'), unavailable)
      server.thaw()
      await both(a, b, 'ready')
      await a.publish('room', 'hello')
      t.same(await b.received(), ['room', 'hello'])
    })

    t.test('what waits for a server that hangs is refused, and a subscription made meanwhile is repeated', async t => {
      const { server, a, b } = await start(t)
      await server.freeze()
      const [published, appended, subscribed] = [a.publish('room', 'lost'), a.append('room', [1], settings), b.adapter.subscribe('room')]
      await Promise.all([t.rejects(published, unavailable), t.rejects(appended, unavailable), subscribed])
      await both(a, b, 'unavailable')
      server.thaw()
      await both(a, b, 'ready')
      await a.publish('room', 'last')
      // The first one was sent, and may have come as well.
      let [, text] = await b.received()
      if (text === 'lost') [, text] = await b.received()
      t.equal(text, 'last')
    })

    t.test('what is wanted, and wanted no longer, while a session is being opened, is when it is open', async t => {
      const { server, a, b } = await start(t)
      await server.freeze()
      await both(a, b, 'unavailable')
      let count = 0
      while (b.states.at(-1) !== 'ready') {
        // Sooner or later the session is between two of them.
        if (count++ === 60) server.thaw()
        await b.adapter.subscribe(`room-${count}`)
        await b.adapter.subscribe(`other-${count}`)
        await setTimeout(2)
        await b.adapter.unsubscribe(`other-${count}`)
      }
      await a.change('ready')
      for (let number = 1; number <= count; number++) {
        await a.publish(`room-${number}`, 'hello')
        t.same(await b.received(), [`room-${number}`, 'hello'])
      }
      t.notMatch(await server.command('PUBSUB', 'CHANNELS'), /other/)
    })

    t.test('an append that a hanging server may have got is repeated, and is there once', async t => {
      const { server, a, b } = await start(t)
      const { epoch } = await a.history.read('room', null, settings)
      const message = a.message('{"n":1}', 'json')
      await server.freeze()
      await t.rejects(a.history.append('room', [message], settings), unavailable)
      await both(a, b, 'unavailable')
      server.thaw()
      await both(a, b, 'ready')
      await a.history.append('room', [message], settings)
      const page = await b.history.read('room', { epoch, offset: 0 }, settings)
      t.match(page, { epoch, head: 1, floor: 0 })
      t.equal(page.events.length, 1)
    })

    t.test('subscribers that are dropped while rooms come and go end up with what is wanted', async t => {
      const { server, a, b } = await start(t)
      const rooms = Array.from({ length: 100 }, (_, index) => `room-${index}`)
      for (let turn = 0; turn < 5; turn++) {
        const storm = rooms.map(async (room, index) => {
          await b.adapter.subscribe(room)
          if (index % 2 === 0) await b.adapter.unsubscribe(room)
        })
        await server.command('CLIENT', 'KILL', 'TYPE', 'pubsub')
        await Promise.all(storm)
      }
      await server.command('CLIENT', 'KILL', 'TYPE', 'pubsub')
      // Whichever of the losses it is, all of them are over when a message of each room has come.
      const wanted = rooms.filter((_, index) => index % 2 === 1)
      const heard = new Set<string>()
      while (heard.size < wanted.length) {
        await Promise.allSettled(rooms.map(room => a.publish(room, 'hello')))
        await setTimeout(20)
        while (b.waiting.length > 0) heard.add((await b.received())[0])
      }
      t.same([...heard].sort(), wanted.sort())
      t.equal(b.states.at(-1), 'ready')
    })

    t.test('a subscriber that Redis drops for being slow comes back', async t => {
      const { server, a, b } = await start(t)
      await b.adapter.subscribe('room')
      await server.command('CONFIG', 'SET', 'client-output-buffer-limit', 'pubsub 65536 65536 0')
      await a.publish('room', Buffer.alloc(1_048_576), 'binary').catch(() => {})
      await b.change('unavailable')
      await b.change('ready')
      await a.publish('room', 'small')
      t.same(await b.received(), ['room', 'small'])
    })

    t.test('a history goes on over a restart of a durable Redis', async t => {
      const { server, a, b } = await start(t, { args: ['--appendonly', 'yes', '--appendfsync', 'always'], durable: true })
      const { epoch } = await a.history.read('room', null, settings)
      const message = a.message('{"n":1}', 'json')
      await a.history.append('room', [message], settings)
      await server.kill()
      await both(a, b, 'unavailable')
      await server.restart()
      await both(a, b, 'ready')
      await a.history.append('room', [message], settings)
      await a.append('room', [2], settings)
      const page = await b.history.read('room', { epoch, offset: 0 }, settings)
      t.match(page, { epoch, head: 2, floor: 0 })
      t.same(page.events.map(({ envelope }) => envelope.payload), ['{"n":1}', '{"n":2}'])
    })

    t.test('a history begins anew after a restart of one that is not said to be durable, whatever it has kept', async t => {
      const { server, a, b } = await start(t, { args: ['--appendonly', 'yes', '--appendfsync', 'always'] })
      const { epoch } = await a.history.read('room', null, settings)
      const message = a.message('{"n":1}', 'json')
      await a.history.append('room', [message], settings)
      await server.kill()
      await both(a, b, 'unavailable')
      await server.restart()
      await both(a, b, 'ready')
      // In the new history it is not: whoever has not heard that it was taken repeats it.
      await a.history.append('room', [message], settings)
      const page = await b.history.read('room', { epoch, offset: 0 }, settings)
      t.not(page.epoch, epoch)
      t.same(page.events, [])
      t.equal(page.head, 1)
    })

    t.test('a history that somebody deletes begins anew', async t => {
      const { server, a, b } = await start(t)
      await a.append('room', [1, 2, 3], settings)
      const { epoch } = await a.history.read('room', null, settings)
      await server.command('FLUSHALL')
      await a.append('room', [4], settings)
      const page = await b.history.read('room', { epoch, offset: 3 }, settings)
      t.not(page.epoch, epoch)
      t.equal(page.head, 1)
    })

    t.test('scripts that Redis forgets are sent again', async t => {
      const { server, a } = await start(t)
      await a.append('room', [1], settings)
      await server.command('SCRIPT', 'FLUSH')
      await a.append('room', [2], settings)
      await server.command('SCRIPT', 'FLUSH')
      t.equal((await a.history.read('room', null, settings)).head, 2)
    })

    t.test('a server that has become a replica is left', async t => {
      const { server, a } = await start(t)
      await a.append('room', [1], settings)
      await server.command('REPLICAOF', '127.0.0.1', 1)
      await t.rejects(a.append('room', [2], settings), { ...unavailable, message: /READONLY/ })
      await a.change('unavailable')
      await server.command('REPLICAOF', 'NO', 'ONE')
      await a.change('ready')
    })

    t.test('a subscription that Redis refuses makes the adapter unavailable, until it does not', async t => {
      const server = await RedisServer.start(t)
      await server.command('ACL', 'SETUSER', 'default', 'resetchannels')
      const [, newCluster] = newClusters(server).find(([name]) => name === title) ?? []
      if (newCluster === undefined) throw new Error('no such library')
      const [a, b] = await nodes(t, newCluster, 2)
      await b.adapter.subscribe('room')
      await b.change('unavailable')
      await t.rejects(b.publish('room', 'lost'), { ...unavailable, message: /NOPERM/ })
      await t.rejects(a.publish('room', 'lost'), { ...unavailable, message: /NOPERM/ })
      t.same(a.states, [])
      await server.command('ACL', 'SETUSER', 'default', 'allchannels')
      await b.change('ready')
      await a.publish('room', 'hello')
      t.same(await b.received(), ['room', 'hello'])
    })

    t.test('without memory left nothing is appended, not even in part, and what is kept can be read', async t => {
      const { server, a, b } = await start(t)
      await b.adapter.subscribe('room')
      const { epoch } = await a.history.read('room', null, settings)
      await a.append('room', [1], settings)
      await server.command('CONFIG', 'SET', 'maxmemory', '1mb')
      const message = a.message('{"n":2}', 'json')
      await t.rejects(a.history.append('room', [message], settings), { ...unavailable, message: /OOM/ })
      await t.rejects(a.append('other', [1], settings), { ...unavailable, message: /OOM/ })
      t.match(await b.history.read('room', { epoch, offset: 0 }, settings), { epoch, head: 1, floor: 0, events: [{ offset: 1 }] })
      t.notMatch(await server.command('KEYS', '*'), /other/)
      await server.command('CONFIG', 'SET', 'maxmemory', '0')
      await a.history.append('room', [message], settings)
      t.match(await b.history.read('room', { epoch, offset: 1 }, settings), { epoch, head: 2, floor: 0, events: [{ offset: 2 }] })
      t.same([(await b.event())[1].offset, (await b.event())[1].offset], [1, 2])
      t.same(a.states, [])
    })

    for (const command of ['publish', 'xadd', 'set', 'hset', 'del', 'xtrim', 'xdel', 'xrange', 'pexpire']) {
      t.test(`a user that may not ${command.toUpperCase()} appends nothing, not even in part, and is told so each time`, async t => {
        const { server, a, b } = await start(t)
        await b.adapter.subscribe('room')
        const message = a.message('{"n":1}', 'json')
        await server.command('ACL', 'SETUSER', 'default', `-${command}`)
        for (let tries = 0; tries < 2; tries++) await t.rejects(a.history.append('room', [message], settings), { ...unavailable, message: /NOPERM/ })
        await server.command('ACL', 'SETUSER', 'default', `+${command}`)
        await a.history.append('room', [message], settings)
        t.match((await b.event())[1], { offset: 1, previous: 0, envelope: message })
        t.equal((await b.history.read('room', null, settings)).head, 1)
      })
    }

    t.test('starting where no Redis is fails, and so does starting where it hangs', async t => {
      const server = await RedisServer.start(t)
      const app = await buildApp(t)
      await server.freeze()
      const hanging = new Node('hanging', redisAdapter({ client: newClients[title](t, server) }))
      const absent = new Node('absent', redisAdapter({ client: newClients[title](t, { port: 1, url: 'redis://127.0.0.1:1' }) }))
      await Promise.all([hanging, absent].map(node => t.rejects(node.start(app.log), { code: 'FST_ERR_WS_ADAPTER' })))
      server.thaw()
    })

    t.test('stopping while Redis is away ends the search for it', async t => {
      const { server, a, b } = await start(t)
      await server.kill()
      await both(a, b, 'unavailable')
      await a.adapter.stop()
      await server.restart()
      await b.change('ready')
      t.same(a.states, ['unavailable'])
    })
  })
}

t.end()
