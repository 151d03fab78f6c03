import type { AddressInfo } from 'node:net'
import t from 'tap'
import { WebSocket } from 'undici'
import { app as after } from './migrations/fastify-websocket/after.ts'
import { app as before } from './migrations/fastify-websocket/before.ts'

/* The application of docs/migrating-from-fastify-websocket.md, before and after: its clients notice nothing. */

/** A client that has no library. */
class Client {
  readonly #socket: WebSocket
  readonly #messages: unknown[] = []
  #wake: () => void = () => {}

  private constructor (socket: WebSocket) {
    this.#socket = socket
    socket.onmessage = ({ data }) => {
      this.#messages.push(JSON.parse(data))
      this.#wake()
    }
  }

  static async come (url: string): Promise<Client> {
    const socket = new WebSocket(url)
    const client = new Client(socket)
    await new Promise((resolve, reject) => {
      socket.onopen = resolve
      socket.onerror = () => reject(new Error('refused'))
    })
    return client
  }

  send (message: unknown): void {
    this.#socket.send(JSON.stringify(message))
  }

  async receive (): Promise<unknown> {
    while (this.#messages.length === 0) await new Promise<void>(resolve => { this.#wake = resolve })
    return this.#messages.shift()
  }

  async close (): Promise<void> {
    this.#socket.close()
    await new Promise(resolve => { this.#socket.onclose = resolve })
  }
}

for (const [name, app] of [['with @fastify/websocket', before], ['with fastify-typed-ws', after]] as const) {
  t.test(`a chat ${name}`, async t => {
    t.after(() => app.close())
    await app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = app.server.address() as AddressInfo
    const url = `ws://127.0.0.1:${port}/chat`
    const announce = async (room: string): Promise<unknown> => {
      const reply = await app.inject({ method: 'POST', url: `/announce/${room}`, payload: { text: 'tea is ready' } })
      return reply.json()
    }

    t.test('who says no name is refused', async t => {
      await t.rejects(Client.come(`${url}/tea`), { message: 'refused' })
    })

    t.test('all in the room hear what is said, and the sender is answered with its id', async t => {
      const [ada, bob, cyd] = await Promise.all([Client.come(`${url}/tea?name=Ada`), Client.come(`${url}/tea?name=Bob`), Client.come(`${url}/coffee?name=Cyd`)])
      ada.send({ type: 'say', text: 'hello', id: 1 })
      const answers = [await ada.receive(), await ada.receive()]
      t.has(answers, [{ type: 'said', from: 'Ada', text: 'hello' }, { id: 1, type: 'done' }])
      t.same(await bob.receive(), { type: 'said', from: 'Ada', text: 'hello' })
      t.same(await announce('coffee'), { members: 1 })
      t.same(await cyd.receive(), { type: 'said', from: 'the house', text: 'tea is ready' }, 'and nothing before')
      await Promise.all([ada, bob, cyd].map(client => client.close()))
    })

    t.test('messages that come at once wait for what is loaded', async t => {
      const client = await Client.come(`${url}/tea?name=Ada`)
      client.send({ type: 'history', id: 'h' })
      t.same(await client.receive(), { id: 'h', type: 'history', messages: ['welcome to tea'] })
      await client.close()
    })

    t.test('what is invalid is answered with an error message, and the connection stays', async t => {
      const client = await Client.come(`${url}/tea?name=Ada`)
      client.send({ type: 'say', text: 'x'.repeat(501), id: 2 })
      t.match(await client.receive(), { id: 2, type: 'error', message: String })
      client.send({ type: 'history' })
      t.match(await client.receive(), { type: 'history' })
      await client.close()
    })

    t.test('who goes has left', async t => {
      const client = await Client.come(`${url}/cake?name=Ada`)
      t.same(await announce('cake'), { members: 1 })
      await client.receive()
      await client.close()
      let left: unknown
      do left = await announce('cake'); while (JSON.stringify(left) !== '{"members":0}')
      t.same(left, { members: 0 })
    })
  })
}
