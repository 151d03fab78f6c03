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
