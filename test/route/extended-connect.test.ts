import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { buildApp, listen } from '../helpers/app.ts'
import { Http2Client } from '../helpers/http2-client.ts'

t.test('a WebSocket over HTTP/2', async t => {
  const app = await buildApp(t, {}, { http2: true } as object)
  app.ws('/echo', message => message)
  const client = await Http2Client.connect(await listen(app))
  t.after(() => client.session.destroy())
  const socket = await client.open('/echo')
  socket.send(['over HTTP/2'])
  t.same(await socket.message(), ['over HTTP/2'])
  t.same(await socket.close(1000), { code: 1000, reason: '' })
  await socket.closed()
})

t.test('a reply of the application is not taken for an open tunnel', async t => {
  const app = await buildApp(t, {}, { http2: true } as object)
  app.setNotFoundHandler(() => ({ page: 'index.html' }))
  app.ws('/hook', { onRequest: async (_request, reply) => reply.send({ cached: true }) }, message => message)
  const client = await Http2Client.connect(await listen(app))
  t.after(() => client.session.destroy())
  for (const path of ['/hook', '/nowhere']) {
    const { statusCode, headers } = await client.reply(client.request(path))
    t.match({ statusCode, headers }, { statusCode: 405, headers: { allow: 'GET' } })
  }
})

t.test('an idle connection does not hold its request', async t => {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  const app = await buildApp(t, {}, { http2: true } as object)
  const seen: Array<WeakRef<object>> = []
  app.ws('/echo', {
    onOpen (_connection, request) {
      seen.push(new WeakRef(request), new WeakRef(request.raw))
    },
    onResponse: async (_request, reply) => { seen.push(new WeakRef(reply.raw)) }
  }, message => message)
  const client = await Http2Client.connect(await listen(app))
  t.after(() => client.session.destroy())
  const socket = await client.open('/echo')
  const isAlive = (ref: WeakRef<object>): boolean => ref.deref() !== undefined
  for (let i = 0; i < 100 && seen.some(isAlive); i++) {
    socket.send(['still here'])
    t.same(await socket.message(), ['still here'])
    gc()
  }
  t.same(seen.map(isAlive), [false, false, false])
})
