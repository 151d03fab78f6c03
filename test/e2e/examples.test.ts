import t from 'tap'
import type { Test } from 'tap'
import { Agent, fetch } from 'undici'
import type { Response } from 'undici'
import { launchBrowser, openWindow } from '../helpers/browser.ts'
import { binary, close, text } from '../helpers/bytes.ts'
import { buildExample, listenExample, startExample } from '../helpers/example.ts'
import { Http2Client } from '../helpers/http2-client.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { suiteNeeding } from '../helpers/requirements.ts'

type Headers = Record<string, string>

const routes = [
  ['chat', '/chat?username=Ada'],
  ['whiteboard', '/whiteboard'],
  ['upload', '/upload'],
  ['echo', '/echo'],
  ['authentication', '/private'],
  ['transports', '/websocket?page=0123456789abcdef'],
  ['dashboard', '/dashboard'],
  ['presence', '/presence?name=Ada&hue=0'],
  ['reconnect', '/feed'],
  ['observability', '/demo?table=1'],
  ['inspector', '/inspected?page=0123456789abcdef0123456789abcdef&client=raw'],
  ['http2', '/chat?username=Ada']
] as const

/** Trusts the certificate that an example makes for itself. */
const dispatcher = new Agent({ connect: { rejectUnauthorized: false } })
t.after(() => dispatcher.destroy())

for (const [name, path] of routes) {
  t.test(`${name} runs alone, serves its page under a strict policy and the code that it names, and ends cleanly while somebody is connected`, async t => {
    const { url, port, stop } = await startExample(t, name)
    const response = await fetch(url, { dispatcher })
    const html = await response.text()
    t.match(html, '<!doctype html>')
    const policy = response.headers.get('content-security-policy') ?? ''
    t.match(policy, "default-src 'none'")
    t.notMatch(policy, 'unsafe')
    const files = [...html.matchAll(/"(source\/[^"]+)"/g)]
    t.ok(files.length > 0)
    for (const [, file] of files) t.equal((await fetch(new URL(file, url), { dispatcher })).headers.get('content-type'), 'text/plain; charset=utf-8')

    const client = url.startsWith('https:')
      ? await openSecureClient(t, port, path)
      : await openClient(t, port, path, name === 'authentication' ? { Cookie: await logIn(url) } : {})
    const closed = expectGoingAway(client)
    t.equal(await stop('SIGTERM'), 0)
    t.equal(await closed, 1001)
  })
}

t.test('an example ends cleanly on SIGINT, too', async t => {
  const { stop } = await startExample(t, 'echo')
  t.equal(await stop('SIGINT'), 0)
})

t.test('echo sends text and binary messages back as they came', async t => {
  const { port } = await listenExample(t, 'echo')
  const client = await openClient(t, port, '/echo')
  client.write(text('not JSON'))
  t.match(await client.frame(), { opcode: 1, payload: Buffer.from('not JSON') })
  client.write(binary(Buffer.of(0, 255)))
  t.match(await client.frame(), { opcode: 2, payload: Buffer.of(0, 255) })
})

t.test("chat's lecture protocol tells everybody in the lobby, the sender included", async t => {
  const { port } = await listenExample(t, 'chat')
  const [ada, grace] = [await openClient(t, port, '/socket'), await openClient(t, port, '/socket')]
  ada.send({ username: 'Ada', message: 'Hello' })
  for (const client of [ada, grace]) t.match(await client.message(), { username: 'Ada', message: 'Hello' })
})

t.test("chat's lecture protocol refuses what is too long, and goes on", async t => {
  const { port } = await listenExample(t, 'chat')
  const ada = await openClient(t, port, '/socket')
  ada.send({ username: 'Ada', message: 'a'.repeat(2001) })
  t.match(await ada.message(), { type: 'error', code: 'FST_ERR_WS_INVALID_MESSAGE' })
  ada.send({ username: 'Ada', message: 'short' })
  t.match(await ada.message(), { message: 'short' })
})

t.test("chat's history and messages are REST, too", async t => {
  const { url, port } = await listenExample(t, 'chat')
  const ada = await openClient(t, port, '/socket')
  const posted = await post(`${url}/rooms/lobby/messages`, { username: 'Curl', message: 'By REST' })
  t.equal(posted.status, 201)
  t.match(await ada.message(), { username: 'Curl', message: 'By REST' })
  const history = await (await fetch(`${url}/rooms/lobby/history`)).json()
  t.match(history, [{ room: 'lobby', username: 'Curl', message: 'By REST', time: /^\d{4}-/ }])
  t.equal((await fetch(`${url}/rooms/No%20room/history`)).status, 400)
})

t.test('chat refuses a page without a name before the 101', async t => {
  const { port } = await listenExample(t, 'chat')
  const client = await RawClient.connect(port)
  client.request('/chat')
  t.equal((await client.reply()).statusCode, 400)
})

t.test('chat answers a join with the same id, with members and with history', async t => {
  const app = await buildExample(t, 'chat')
  await app.inject({ method: 'POST', url: '/rooms/attic/messages', payload: { username: 'Ghost', message: 'Boo' } })
  const ada = await app.injectWS('/chat', { query: { username: 'Ada' } })
  t.match(await ada.receive(), { type: 'rooms' })
  ada.send({ type: 'join', room: 'attic', id: 7 })
  t.match(await ada.receive(), { type: 'members', room: 'attic', members: ['Ada'] })
  t.match(await ada.receive(), { type: 'rooms', rooms: [{ room: 'lobby' }, {}, {}, { room: 'attic', members: 1 }] })
  t.match(await ada.receive(), { type: 'joined', id: 7, members: ['Ada'], history: [{ message: 'Boo' }] })
})

t.test('chat lets nobody speak in a room without joining it', async t => {
  const app = await buildExample(t, 'chat')
  const eve = await app.injectWS('/chat', { query: { username: 'Eve' } })
  t.match(await eve.receive(), { type: 'rooms' })
  eve.send({ type: 'say', room: 'lobby', message: 'Psst', id: 'a' })
  t.match(await eve.receive(), { type: 'error', id: 'a', code: 'CHAT_NOT_IN_ROOM' })
})

t.test('authentication refuses an upgrade without the cookie, or with a forged one, with 401', async t => {
  const { port } = await listenExample(t, 'authentication')
  const attempts: Headers[] = [{}, { Cookie: 'session=eyJhbGciOiJub25lIn0.eyJuYW1lIjoiYWRhIn0.' }]
  for (const headers of attempts) {
    const client = await RawClient.connect(port)
    client.request('/private', { headers })
    t.equal((await client.reply()).statusCode, 401)
    await client.ended()
  }
})

t.test('authentication has the user in connection.data', async t => {
  const { url, port } = await listenExample(t, 'authentication')
  const client = await openClient(t, port, '/private', { Cookie: await logIn(url) })
  t.same(await client.message(), { user: 'ada', text: 'is connected' })
  client.send({ text: 'Hello' })
  t.same(await client.message(), { user: 'ada', text: 'Hello' })
})

t.test('authentication lets no connection outlast its token', async t => {
  const { app, url, port } = await listenExample(t, 'authentication')
  await openClient(t, port, '/private', { Cookie: await logIn(url) })
  const [{ expiresAt }] = app.wsConnections
  const hour = 3_600_000
  t.ok(expiresAt !== null && Number(expiresAt) > Date.now() + 0.9 * hour && Number(expiresAt) <= Date.now() + hour)
})

t.test('authentication gives no cookie for a wrong password', async t => {
  const { url } = await listenExample(t, 'authentication')
  for (const name of ['ada', 'nobody']) {
    const response = await post(`${url}/login`, { name, password: 'guess' })
    t.equal(response.status, 401)
    t.equal(response.headers.get('set-cookie'), null)
  }
})

t.test('transports answers a held request when something is said', async t => {
  const { url } = await listenExample(t, 'transports')
  const page = '0123456789abcdef'
  const held = fetch(`${url}/long-polling?page=${page}&since=0`)
  await post(`${url}/long-polling?page=${page}`, { key: 'a', text: 'News' })
  t.same(await (await held).json(), { last: 1, messages: [{ number: 1, key: 'a', text: 'News' }] })
})

t.test('transports answers a held request when it ends', async t => {
  const { app, url } = await listenExample(t, 'transports')
  const arrived = new Promise<void>(resolve => { app.server.once('request', () => resolve()) })
  const held = fetch(`${url}/long-polling?page=0123456789abcdef&since=0`)
  await arrived
  await Promise.all([app.close(), held])
  t.same(await (await held).json(), { last: 0, messages: [] })
})

t.test('transports counts every byte of a WebSocket, and of a request', async t => {
  const { url, port } = await listenExample(t, 'transports')
  const page = '0123456789abcdef'
  const client = await openClient(t, port, `/websocket?page=${page}`)
  client.send({ key: 'a', text: 'Hello' })
  await client.message()
  const answer = await fetch(`${url}/polling?page=${page}&since=0`)
  await answer.text()
  const figures = await (await fetch(`${url}/figures?page=${page}`)).json() as Record<string, unknown>
  t.same(figures.websocket, { requests: 1, received: client.bytesWritten, sent: client.bytesRead })
  t.match(figures.polling, { requests: 1 })
  t.match(figures['long-polling'], { requests: 0, received: 0, sent: 0 })
})

suiteNeeding(['chromium'], 'the pages of authentication and echo in a browser', async (t, { chromium }) => {
  const browser = await launchBrowser(t, chromium)

  t.test("authentication's socket is refused before the login, opens after it, and is refused after the logout", async t => {
    const { url } = await listenExample(t, 'authentication')
    const { window, errors } = await openWindow(t, browser)
    const page = await window.newPage()
    await page.goto(url)
    const connection = (state: string) => page.locator('#connection', { hasText: state }).waitFor()

    await page.locator('#connect').click()
    await connection('Refused')
    t.match(errors.join(), /WebSocket connection to .* failed/)

    await page.locator('#name').fill('ada')
    await page.locator('#password').fill('engine')
    await page.locator('#password').press('Enter')
    await page.locator('#who', { hasText: 'Logged in as ada' }).waitFor()
    t.equal(await page.evaluate(() => document.cookie), '', 'scripts do not see the cookie')
    await page.locator('#connect').click()
    await connection('Connected')
    await page.locator('#text').fill('<i>Hello</i>')
    await page.locator('#text').press('Enter')
    await page.locator('#received li', { hasText: 'ada <i>Hello</i>' }).waitFor()

    await page.locator('#logout').click()
    await connection('Not connected')
    await page.locator('#connect').click()
    await connection('Refused')
  })

  t.test('echo shows what comes back as text', async t => {
    const { url } = await listenExample(t, 'echo')
    const { window, errors } = await openWindow(t, browser)
    const page = await window.newPage()
    await page.goto(url)
    await page.locator('#text:enabled').fill('<b>Hello</b>')
    await page.locator('#text').press('Enter')
    await page.locator('#received li', { hasText: '<b>Hello</b>' }).waitFor()
    t.same(errors, [])
  })
})

/** A WebSocket, dropped with the test. */
async function openClient (t: Test, port: number, path: string, headers: Headers = {}): Promise<RawClient> {
  const client = await RawClient.open(port, path, { headers })
  t.after(() => client.socket.destroy())
  return client
}

/** A WebSocket over HTTP/2, dropped with the test. */
async function openSecureClient (t: Test, port: number, path: string): Promise<RawClient> {
  const client = await Http2Client.connect(port, { secure: true })
  t.after(() => client.session.destroy())
  return await client.open(path)
}

async function post (url: string, body: unknown): Promise<Response> {
  return await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
}

/** The cookie of a login. */
async function logIn (url: string): Promise<string> {
  const response = await post(`${url}/login`, { name: 'ada', password: 'engine' })
  return response.headers.getSetCookie()[0].split(';')[0]
}

/** Reads on until the server closes, answers its close as a browser does, and gives its code. */
async function expectGoingAway (client: RawClient): Promise<number> {
  for (;;) {
    const { opcode, payload } = await client.frame()
    if (opcode !== 8) continue
    client.write(close(1001))
    await client.ended()
    client.socket.end()
    return payload.readUInt16BE(0)
  }
}
