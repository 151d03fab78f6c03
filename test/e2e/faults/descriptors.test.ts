import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import type { Test } from 'tap'
import { RawClient } from '../../helpers/raw-client.ts'
import { ServerProcess } from './server-process.ts'

/** More than its modules take, which are opened many at a time. */
const descriptors = 160

t.after(() => RawClient.dropAll())

t.test('a server without a file descriptor left still serves those that are connected', async t => {
  const { server, clients } = await exhaust(t)
  t.ok(clients.length > 8, `${clients.length} clients were served`)
  for (const client of clients) {
    client.send('still here')
    t.equal(await client.message(), 'still here')
  }
  t.match(await server.report(), { connections: clients.length, opened: clients.length })
})

t.test('a server without a file descriptor left does not spin while clients go on knocking', async t => {
  const { server } = await exhaust(t)
  const knocking = await Promise.all(Array.from({ length: 20 }, () => RawClient.connect(server.port)))
  for (const client of knocking) client.request('/')
  const before = await server.report()
  // The absence of work can only be waited for.
  await delay(500)
  const after = await server.report()
  t.ok(after.cpu - before.cpu < 250, `${after.cpu - before.cpu} ms of processor time in 500`)
})

t.test('a server whose file descriptors are free again serves new clients', async t => {
  const { server, clients } = await exhaust(t)
  for (const client of clients) client.reset()
  t.match(await server.report('when empty'), { connections: 0, rooms: 0, closed: clients.length })
  const [next] = await Promise.all(Array.from({ length: clients.length }, () => RawClient.open(server.port, '/')))
  next.send('new here')
  t.equal(await next.message(), 'new here')
  t.equal((await server.report()).connections, clients.length)
})

t.test('clients that go and come while there is hardly a file descriptor left are served in the end', async t => {
  const { server, clients } = await exhaust(t)
  for (let i = 0; i < 100; i++) {
    clients.shift()?.socket.destroy()
    const client = await reconnect(server.port)
    client.send(i)
    t.equal(await client.message(), i)
    clients.push(client)
  }
})

/** A server, and as many clients as it takes. */
async function exhaust (t: Test): Promise<{ server: ServerProcess, clients: RawClient[] }> {
  const server = await ServerProcess.start(t, { descriptors })
  const clients: RawClient[] = []
  for (;;) {
    const client = await tryToOpen(server.port)
    if (client === null) return { server, clients }
    clients.push(client)
  }
}

/** null where the server has no file descriptor for it. */
async function tryToOpen (port: number): Promise<RawClient | null> {
  try {
    return await RawClient.open(port, '/')
  } catch {
    return null
  }
}

/** As clients do: until it is let in. */
async function reconnect (port: number): Promise<RawClient> {
  for (;;) {
    const client = await tryToOpen(port)
    if (client !== null) return client
  }
}
