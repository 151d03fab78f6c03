import type { FastifyInstance } from 'fastify'
import type { Browser } from 'playwright-core'
import t from 'tap'
import type { Test } from 'tap'
import { Agent, fetch } from 'undici'
import type { TcpConnectionListData } from '../../examples/http2/messages.ts'
import { launchBrowser, openWindow } from '../helpers/browser.ts'
import { listenExample, startExample } from '../helpers/example.ts'
import { suiteNeeding } from '../helpers/requirements.ts'
import { enter, say, sayByLecture, sees } from './chat-page.ts'

/* The chat of examples/chat over wss, as examples/http2 serves it. What carries it is what the server says, not the browser. */

/** Speaks HTTP/1.1, and trusts the certificate that the example makes for itself. */
const dispatcher = new Agent({ connect: { rejectUnauthorized: false } })
t.after(() => dispatcher.destroy())

suiteNeeding(['chromium'], 'WebSockets over HTTP/2 in a browser', async (t, { chromium }) => {
  const browser = await launchBrowser(t, chromium)

  t.test('two tabs of the chat talk to each other over one TCP connection', async t => {
    const { app, url } = await listenExample(t, 'http2')
    const { window, errors } = await openTrustingWindow(t, browser)
    const [ada, grace] = [await enter(window, url, 'Ada'), await enter(window, url, 'Grace')]
    await say(ada, 'Hello, Grace')
    await sees(grace, { author: 'Ada', text: 'Hello, Grace' })
    await say(grace, 'Hello, Ada')
    await sees(ada, { author: 'Grace', text: 'Hello, Ada' })
    const [{ webSockets, ...session }, ...others] = await tcpConnections(app)
    t.same(others, [])
    t.match(session, { httpVersion: '2.0' })
    t.match(webSockets, [{ route: '/chat', httpVersion: '2.0' }, { route: '/chat', httpVersion: '2.0' }])
    t.not(webSockets[0].stream, webSockets[1].stream)
    t.same(errors, [])
  })

  t.test('a hundred WebSockets share one TCP connection with the chat, and all of them echo', async t => {
    const { app, url } = await listenExample(t, 'http2')
    let handshakes = 0
    app.server.on('secureConnection', () => { handshakes++ })
    const { window, errors } = await openTrustingWindow(t, browser)
    const ada = await enter(window, url, 'Ada')
    const page = await window.newPage()
    await page.goto(`${url}/connections/`)
    await page.locator('#open:enabled').click()
    await page.waitForFunction(() => document.querySelectorAll('#trips li[style]').length === 100)
    await page.locator('.legend', { hasText: '1 × chat1 × this list100 × echo' }).waitFor()
    t.equal(await page.locator('#connections').textContent(), '1')

    const [{ webSockets }, ...others] = await tcpConnections(app)
    t.same(others, [])
    t.equal(handshakes, 1)
    t.equal(webSockets.length, 102)
    t.equal(new Set(webSockets.map(({ stream }) => stream)).size, 102, 'each has a stream of its own')
    t.ok(webSockets.every(({ httpVersion }) => httpVersion === '2.0'))
    await say(ada, 'Still here')
    await sees(ada, { author: 'You', text: 'Still here' })
    t.same(errors, [])
  })

  t.test('the page of the lecture talks with the lobby', async t => {
    const { url } = await listenExample(t, 'http2')
    const { window, errors } = await openTrustingWindow(t, browser)
    const ada = await enter(window, url, 'Ada')
    await sayByLecture(window, url, 'From the lecture')
    await sees(ada, { author: 'Student', text: 'From the lecture' })
    t.same(errors, [])
  })

  t.test('whoever opens and closes by keyboard keeps the focus', async t => {
    const { url } = await listenExample(t, 'http2')
    const { window } = await openTrustingWindow(t, browser)
    const page = await window.newPage()
    await page.goto(`${url}/connections/`)
    await page.locator('#open').press('Enter')
    await page.locator('#close:focus').press('Enter')
    await page.locator('#open:focus').waitFor()
  })

  t.test('of a tab that is closed the server keeps no WebSocket, of the others all', async t => {
    const { app, url } = await listenExample(t, 'http2')
    const { window } = await openTrustingWindow(t, browser)
    const ada = await enter(window, url, 'Ada')
    const page = await window.newPage()
    await page.goto(`${url}/connections/`)
    await page.locator('#open:enabled').click()
    await page.locator('.legend', { hasText: '100 × echo' }).waitFor()
    t.equal(app.wsConnections.size, 102)
    const gone = Promise.all(app.wsConnections.filter(({ data }) => data === undefined).map(({ signal }) => new Promise(resolve => {
      signal.addEventListener('abort', resolve)
    })))
    await page.close()
    await gone
    t.match(await tcpConnections(app), [{ httpVersion: '2.0', webSockets: [{ route: '/chat' }] }])
    await say(ada, 'Alone again')
    await sees(ada, { author: 'You', text: 'Alone again' })
  })

  t.test('tabs miss nothing of a server that ends and of the next one: they come back over HTTP/1.1, since they have no session yet', async t => {
    const example = await startExample(t, 'http2')
    const { window } = await openTrustingWindow(t, browser)
    const [ada, grace] = [await enter(window, example.url, 'Ada'), await enter(window, example.url, 'Grace')]
    await say(ada, 'Before')
    await sees(grace, { author: 'Ada', text: 'Before' })
    t.equal(await example.stop('SIGTERM'), 0)
    for (const page of [ada, grace]) await page.locator('#status[data-state=waiting]').waitFor()

    await startExample(t, 'http2', { port: example.port })
    const body = JSON.stringify({ username: 'Curl', message: 'Said meanwhile' })
    await fetch(`${example.url}/rooms/lobby/messages`, { method: 'POST', headers: { 'content-type': 'application/json' }, body, dispatcher })
    for (const page of [ada, grace]) {
      await page.locator('#status[data-state=open]').waitFor()
      await sees(page, { author: 'Curl', text: 'Said meanwhile' })
    }
    await sees(grace, { author: 'Ada', text: 'Before' })
    const linus = await enter(window, example.url, 'Linus')
    await say(linus, 'By HTTP/2')
    await sees(ada, { author: 'Linus', text: 'By HTTP/2' })
    const { tcpConnections } = await (await fetch(`${example.url}/connections/list`, { dispatcher })).json() as TcpConnectionListData
    t.same(tcpConnections.flatMap(({ webSockets }) => webSockets.map(({ httpVersion }) => httpVersion)).sort(), ['1.1', '1.1', '2.0'])
  })

  t.test('a page that makes a request before its WebSocket comes back over HTTP/2', async t => {
    const example = await startExample(t, 'http2')
    const { window } = await openTrustingWindow(t, browser)
    const page = await window.newPage()
    await page.goto(`${example.url}/connections/`)
    await page.locator('.legend', { hasText: '1 × this list' }).waitFor()
    await example.stop('SIGTERM')
    await page.locator('#app[data-state=waiting]').waitFor()

    await startExample(t, 'http2', { port: example.port })
    await page.locator('#app[data-state=open]').waitFor()
    await page.locator('#carried > [data-http="2.0"]:only-child').waitFor()
  })

  t.test('app.close() ends while tabs are open and a hundred WebSockets with them', async t => {
    const { app, url } = await listenExample(t, 'http2')
    const { window } = await openTrustingWindow(t, browser)
    const page = await window.newPage()
    await page.goto(`${url}/connections/`)
    await page.locator('#open:enabled').click()
    await page.locator('.legend', { hasText: '100 × echo' }).waitFor()
    await app.close()
    await page.locator('#app[data-state=waiting]').waitFor()
    t.equal(app.wsConnections.size, 0)
    t.match(app.wsStats().connections.closed, { 1001: 101 })
  })

  t.test('a browser without HTTP/2 is served by the same server, over a TCP connection for each WebSocket', async t => {
    const { app, url } = await listenExample(t, 'http2')
    const { window } = await openTrustingWindow(t, await launchBrowser(t, chromium, ['--disable-http2']))
    const [ada, grace] = [await enter(window, url, 'Ada'), await enter(window, url, 'Grace')]
    await say(ada, 'Hello, Grace')
    await sees(grace, { author: 'Ada', text: 'Hello, Grace' })
    const carrying = (await tcpConnections(app)).filter(({ webSockets }) => webSockets.length > 0)
    t.same(carrying.map(({ httpVersion, webSockets }) => [httpVersion, webSockets]), Array(2).fill(['1.1', [{ route: '/chat', httpVersion: '1.1', stream: null }]]))
  })
})

/** A window that trusts the certificate which the server made for itself. */
async function openTrustingWindow (t: Test, browser: Browser) {
  return await openWindow(t, browser, { ignoreHTTPSErrors: true })
}

/** The server's own list. */
async function tcpConnections (app: FastifyInstance): Promise<TcpConnectionListData['tcpConnections']> {
  return (await app.inject('/connections/list')).json<TcpConnectionListData>().tcpConnections
}
