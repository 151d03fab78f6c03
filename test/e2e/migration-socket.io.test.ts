import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import type { Test } from 'tap'
import { WebSocket } from 'undici'
import type { WebSocketConstructor } from '../../lib/client/index.ts'
import { app as after } from './migrations/socket.io/after.ts'
import { enter as enterAfter } from './migrations/socket.io/after-client.ts'
import { app as before, io } from './migrations/socket.io/before.ts'
import { enter as enterBefore } from './migrations/socket.io/before-client.ts'

/* The application of docs/migrating-from-socket.io.md, before and after: both do the same. */

type Chat = ReturnType<typeof enterBefore>

interface Version {
  readonly name: string
  readonly app: FastifyInstance
  readonly enter: (url: string, token: string) => Chat
  /** Cuts the connections of all clients. */
  readonly cut: () => void
}

const versions: Version[] = [
  {
    name: 'with Socket.IO',
    app: before,
    enter: enterBefore,
    cut: () => { for (const { conn } of io.of('/chat').sockets.values()) conn.close(true) }
  },
  {
    name: 'with fastify-typed-ws',
    app: after,
    enter: (url, token) => enterAfter(url, token, WebSocket as WebSocketConstructor),
    cut: () => { for (const connection of after.wsConnections) connection.terminate() }
  }
]

/** What somebody hears, to be waited for. */
class Ears {
  readonly heard: string[] = []
  #wake: () => void = () => {}

  hear (text: string): void {
    this.heard.push(text)
    this.#wake()
  }

  async until (count: number): Promise<string[]> {
    while (this.heard.length < count) await new Promise<void>(resolve => { this.#wake = resolve })
    return this.heard
  }
}

for (const { name, app, enter, cut } of versions) {
  t.test(`a chat ${name}`, async t => {
    t.after(() => app.close())
    await app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = app.server.address() as AddressInfo
    const url = `http://127.0.0.1:${port}`
    const come = (t: Test, token: string): { chat: Chat, ears: Ears } => {
      const chat = enter(url, token)
      t.after(() => chat.close())
      const ears = new Ears()
      chat.onSaid((from, text) => ears.hear(`${from}: ${text}`))
      return { chat, ears }
    }

    t.test('who has no token is told, and does not come in', async t => {
      const { chat } = come(t, 'made up')
      await new Promise<void>(resolve => { chat.onRefused(resolve) })
    })

    t.test('others in the room hear what is said, nobody else does, and the sender is told that it was taken', async t => {
      const [ada, bob, cyd] = [come(t, 'token-of-ada'), come(t, 'token-of-bob'), come(t, 'token-of-bob')]
      t.equal(await ada.chat.join('tea'), 1)
      t.equal(await bob.chat.join('tea'), 2)
      await cyd.chat.join('coffee')
      await ada.chat.say('tea', 'hello')
      t.same(await bob.ears.until(1), ['Ada: hello'])
      await ada.chat.say('coffee', 'over there')
      t.same(await cyd.ears.until(1), ['Ada: over there'])
      t.same(ada.ears.heard, [])
    })

    t.test('what is invalid is refused, and nobody hears it', async t => {
      const [ada, bob] = [come(t, 'token-of-ada'), come(t, 'token-of-bob')]
      await Promise.all([ada.chat.join('invalid'), bob.chat.join('invalid')])
      await t.rejects(ada.chat.say('invalid', 'x'.repeat(501)))
      await ada.chat.say('invalid', 'x')
      t.same(await bob.ears.until(1), ['Ada: x'])
    })

    t.test('others see that somebody types', async t => {
      const [ada, bob] = [come(t, 'token-of-ada'), come(t, 'token-of-bob')]
      await Promise.all([ada.chat.join('typing'), bob.chat.join('typing')])
      const typists = new Set<string>()
      bob.chat.onTyping(from => { typists.add(from) })
      // Volatile: Socket.IO drops it while a transport is busy, such as Bob's between two polls. Who goes on typing is seen.
      while (typists.size === 0) {
        ada.chat.typing('typing')
        await ada.chat.say('to nobody', 'a round trip')
      }
      t.same([...typists], ['Ada'])
    })

    t.test('a REST route speaks to a room', async t => {
      const { chat, ears } = come(t, 'token-of-bob')
      await chat.join('rest')
      const reply = await fetch(`${url}/announce/rest`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ text: 'tea is ready' }) })
      t.same(await reply.json(), { ok: true })
      t.same(await ears.until(1), ['the house: tea is ready'])
    })

    t.test('what is said while a connection is lost is heard, in order, once', async t => {
      const { chat, ears } = come(t, 'token-of-bob')
      await chat.join('lost')
      const announce = (text: string): Promise<unknown> => app.inject({ method: 'POST', url: '/announce/lost', payload: { text } })
      await announce('one')
      await ears.until(1)
      cut()
      await announce('two')
      await announce('three')
      await ears.until(3)
      await announce('four')
      t.same(await ears.until(4), ['one', 'two', 'three', 'four'].map(text => `the house: ${text}`))
    })
  })
}
