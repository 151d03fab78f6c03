import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { connect } from '../../lib/client/index.ts'
import type { Client } from '../../types/client.ts'
import { launchBrowser, openWindow } from '../helpers/browser.ts'
import { ChatServer } from '../helpers/clients.ts'
import { packageRoot } from '../helpers/paths.ts'
import { suiteNeeding } from '../helpers/requirements.ts'

/* The client in Chromium: its files as they are, imported by a page. */

const html = `<!doctype html><link rel="icon" href="data:,"><title>client</title>
  <script type="module">import { connect } from '/client/index.js'; globalThis.connect = connect</script>`

interface Page {
  connect: typeof connect
  client: Client
  log: string[]
}

suiteNeeding(['chromium'], 'a page that goes offline comes back, and misses nothing', async (t, { chromium }) => {
  const server = await ChatServer.start(t, {}, app => {
    app.register(fastifyStatic, { root: join(packageRoot, '.build/lib/client'), prefix: '/client/' })
    app.get('/page', (_request, reply) => reply.type('text/html').send(html))
  })
  const browser = await launchBrowser(t, chromium)
  const { window, errors } = await openWindow(t, browser)
  const page = await window.newPage()
  await page.goto(`http://127.0.0.1:${server.port}/page`)
  await page.evaluate(async () => {
    const client = (globalThis as typeof globalThis & Page).connect('/', { reconnect: { base: 50, cap: 200 } })
    const log: string[] = []
    client.onState(({ state, retryIn }) => { log.push(state === 'waiting' && retryIn === null ? 'waiting for the network' : state) })
    client.on('said', ({ text }) => { log.push(String(text)) })
    await client.join('h:a', reply => { log.push(`joined ${(reply as { recovered: boolean }).recovered}`) })
    Object.assign(globalThis, { client, log })
  })
  const seen = (text: string) => page.waitForFunction(text => (globalThis as typeof globalThis & Page).log.includes(text), text)
  await server.say('h:a', 'before')
  await seen('before')
  await window.setOffline(true)
  server.cut()
  await seen('waiting for the network')
  await server.say('h:a', 'meanwhile')
  t.equal(server.connections, 1)
  await window.setOffline(false)
  await seen('meanwhile')
  const log = await page.evaluate(() => {
    const { client, log } = globalThis as typeof globalThis & Page
    client.close()
    return log
  })
  t.same(log, ['open', 'joined false', 'before', 'waiting for the network', 'connecting', 'open', 'joined true', 'meanwhile', 'closed'])
  t.same(errors, [])
})
