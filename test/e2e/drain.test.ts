import t from 'tap'
import { RawClient } from '../helpers/raw-client.ts'
import { beClosed, descriptorLimit, gather, talk } from './drain/clients.ts'
import { DrainingProcess } from './drain/process.ts'

t.afterEach(() => RawClient.dropAll())

/** As many as are wanted where the operating system lets a process have them. */
function affordable (t: { comment (message: string): void }, wanted: number): number {
  const most = descriptorLimit() - 100
  if (most >= wanted) return wanted
  t.comment(`ONLY ${most} OF ${wanted} CONNECTIONS: raise the hard limit of open files (ulimit -Hn) to ${wanted + 100}`)
  return most
}

t.test('app.close() with 5,000 connections of which half never answer ends within its deadline and a second', async t => {
  const timeout = 5_000
  const count = affordable(t, 5_000)
  const server = await DrainingProcess.start(t, { timeout })
  const clients = await gather(server.port, count)
  const half = Math.floor(count / 2)
  const silent = clients.slice(half)
  for (const { socket } of silent) socket.pause()
  const [busy, endless] = [clients.slice(0, 50), clients.slice(50, 60)]
  for (const client of busy) client.send({ takes: 3_000 })
  for (const client of endless) client.send({ takes: null })
  // Answered when the server has read these.
  clients[60].send({ takes: 0 })
  await clients[60].message()

  const ended = server.ended()
  const polite = clients.slice(0, half).map(beClosed)
  server.signal()
  const seen = await Promise.all(polite)
  const { code, report } = await ended

  t.equal(code, 0)
  t.equal(seen.filter(({ code }) => code === 1001).length, half, 'every polite client saw 1001')
  for (const { messages } of seen.slice(0, busy.length)) t.same(messages, [{ took: 3_000 }], 'its handler was not cut short')
  t.match(report, { opened: count, closes: count, closed: count, connections: 0, sockets: 0 })
  if (report === null) return
  t.ok(report.firstCut === null || report.firstCut >= timeout - 5, `handlers had ${String(report.firstCut)} ms`)
  t.ok(report.took <= timeout + 1_000, `app.close() took ${Math.round(report.took)} ms`)
  t.comment(`${count} connections: app.close() took ${Math.round(report.took)} ms`)
})

t.test('SIGTERM under load: all see 1001, replies of handlers that run arrive, new clients get 503, and the process ends with 0', async t => {
  const server = await DrainingProcess.start(t)
  const clients = await gather(server.port, 150)
  const talking = clients.slice(1).map(client => talk(client, { takes: 1 }))
  clients[0].send({ takes: 3_000 })
  const working = beClosed(clients[0])
  const first = await RawClient.open(server.port, '/')
  const ended = server.ended()
  server.signal()
  t.equal((await beClosed(first)).code, 1001)
  const late = await RawClient.connect(server.port)
  late.request('/')
  const { statusCode, headers, body } = await late.reply()
  t.same([statusCode, headers.connection, JSON.parse(body).code], [503, 'close', 'FST_ERR_WS_CLOSING'])
  await late.ended()
  late.socket.end()
  for (const { answers, code } of await Promise.all(talking)) {
    if (answers === 0 || code !== 1001) t.fail(`${answers} answers, then ${code}`)
  }
  t.same(await working, { messages: [{ took: 3_000 }], code: 1001 })
  t.match(await ended, { code: 0, report: { opened: 151, closes: 151, closed: 151, connections: 0, sockets: 0 } })
})

t.test('clients that never answer do not keep the process beyond its deadline', async t => {
  const server = await DrainingProcess.start(t, { timeout: 300 })
  for (const { socket } of await gather(server.port, 20)) socket.pause()
  const ended = server.ended()
  server.signal()
  t.match(await ended, { code: 0, report: { opened: 20, closes: 20, closed: 20, connections: 0, sockets: 0 } })
})

t.test('upgrades whose hooks run at SIGTERM are answered 503', async t => {
  const server = await DrainingProcess.start(t)
  const [open] = await gather(server.port, 1)
  const inHook = await RawClient.connect(server.port)
  const heard = server.said()
  inHook.request('/hook')
  t.equal(await heard, 'in a hook')
  const ended = server.ended()
  server.signal()
  await open.closeFrame()
  server.tell('let the hooks go on')
  const { statusCode, body } = await inHook.reply()
  t.same([statusCode, JSON.parse(body).code], [503, 'FST_ERR_WS_CLOSING'])
  inHook.socket.end()
  open.socket.destroy()
  t.match(await ended, { code: 0, report: { opened: 1, closes: 1 } })
})

t.test('a hook that never ends does not keep the process', async t => {
  const server = await DrainingProcess.start(t)
  const inHook = await RawClient.connect(server.port)
  const heard = server.said()
  inHook.request('/hook')
  await heard
  const ended = server.ended()
  server.signal()
  t.equal((await inHook.reply()).statusCode, 503)
  inHook.socket.end()
  t.match(await ended, { code: 0, report: { opened: 0, closes: 0 } })
})

t.test('a second SIGTERM ends it at once, as close-with-grace promises', async t => {
  const server = await DrainingProcess.start(t, { timeout: 60_000 })
  const [busy, idle] = await gather(server.port, 2)
  busy.send({ takes: null })
  const ended = server.ended()
  server.signal()
  t.equal((await idle.closeFrame()).code, 1001)
  server.signal()
  t.same(await ended, { code: 1, report: null })
  await busy.ended()
})
