import { once } from 'node:events'
import { isDeepStrictEqual } from 'node:util'
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { Page } from 'playwright-core'
import t from 'tap'
import type { Test } from 'tap'
import type {} from '../../lib/index.ts'
import { logLines } from '../helpers/app.ts'
import { launchBrowser, openWindow } from '../helpers/browser.ts'
import { buildExample } from '../helpers/example.ts'
import { Exposition } from '../helpers/exposition.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { suiteNeeding } from '../helpers/requirements.ts'

const token = 'open-sesame'

/** A safety net, in milliseconds. */
const deadline = 10_000

async function start (t: Test, { options = {}, ops = {}, port = 0 } = {}): Promise<{ app: FastifyInstance, url: string, port: number }> {
  // Browsers open connections ahead of their requests; these must not keep it from ending.
  const app = await buildExample(t, 'observability', { forceCloseConnections: true, ...options }, ops)
  const url = await app.listen({ host: '127.0.0.1', port })
  return { app, url, port: Number(new URL(url).port) }
}

async function isLive (page: Page): Promise<void> {
  await page.locator('#state', { hasText: 'Live' }).waitFor()
}

async function startClients (page: Page, clients: number): Promise<void> {
  await page.locator('#clients').fill(String(clients))
  await page.locator('#rate').fill('5')
  await page.locator('#run').click()
  await page.locator('#running', { hasText: `${clients} of ${clients} connected` }).waitFor()
}

async function shows (page: Page, stat: string, text: string): Promise<void> {
  await page.locator(`[data-stat="${stat}"]`).getByText(text, { exact: true }).waitFor()
}

/** All numbers on the page: those that stand for themselves, and those that are listed by name. */
async function drawn (page: Page): Promise<Record<string, number>> {
  const entries = await page.locator('[data-stat], dd[data-name]').evaluateAll(figures => figures.map(figure => {
    const { stat, name = '', unit } = (figure as HTMLElement).dataset
    const exact = unit === undefined ? figure.textContent : figure.getAttribute('value')
    const list = figure.closest('[data-map]')?.getAttribute('data-map')
    return [stat ?? `${list}.${name}`, Number(exact?.replaceAll(',', ''))] as const
  }))
  return Object.fromEntries(entries)
}

/** What `app.wsStats()` says under the names that the page has for it. */
function counted (app: FastifyInstance): Record<string, number> {
  // It has no other processes, and no rooms with history.
  const { traffic, adapter, history, ...stats } = app.wsStats()
  const entries: Array<[string, number]> = [
    ['traffic.received.messages', traffic.received.messages],
    // The report that is drawn does not count itself.
    ['traffic.sent.messages', traffic.sent.messages - 1]
  ]
  const walk = (path: string, value: unknown): void => {
    if (typeof value === 'number') entries.push([path, value])
    else for (const [name, inner] of Object.entries(value as object)) walk(`${path}.${name}`, inner)
  }
  for (const [name, value] of Object.entries(stats)) walk(name, value)
  return Object.fromEntries(entries)
}

/** Reports come once a second: waits for one that agrees with the server. */
async function agrees (t: Test, page: Page, app: FastifyInstance): Promise<void> {
  for (const end = Date.now() + deadline; ;) {
    const [page_, server] = [await drawn(page), counted(app)]
    if (isDeepStrictEqual(sorted(page_), sorted(server)) || Date.now() > end) {
      t.same(page_, server, 'the page draws what the server counts')
      return
    }
    await delay(50)
  }
}

function sorted (record: Record<string, number>): Array<[string, number]> {
  return Object.entries(record).sort(([a], [b]) => a < b ? -1 : 1)
}

suiteNeeding(['chromium'], 'observability in a browser', async (t, { chromium }) => {
  const browser = await launchBrowser(t, chromium)

  t.test('the page draws what app.wsStats() says: clients, what they send, and how they misbehave', async t => {
    const { app, url } = await start(t)
    const { window, errors } = await openWindow(t, browser)
    const page = await window.newPage()
    await page.goto(url)
    await isLive(page)
    await agrees(t, page, app)

    await startClients(page, 12)
    await shows(page, 'connections.open', '13')
    await shows(page, 'rooms', '3')
    await page.locator('[data-chart=messages] output').filter({ hasNotText: /^(0|–)$/ }).first().waitFor()

    await page.locator('[data-act=invalid]').click()
    await shows(page, 'messages.invalid', '1')
    await page.locator('[data-act=fail]').click()
    await shows(page, 'messages.failed', '1')
    await page.locator('[data-act=large]').click()
    await page.locator('[data-map="connections.closed"]', { hasText: '1009 too big' }).waitFor()
    await shows(page, 'memory.tooBig', '1')
    t.same(errors, [], 'nothing is refused by the policy, and no script fails')

    const told = page.waitForEvent('console')
    await page.locator('[data-act=refused]').click()
    await page.locator('[data-map="upgrades.refused"]', { hasText: '400 bad request' }).waitFor()
    await told
    t.match(errors, [/WebSocket connection to .* failed: .* 400/])
    t.equal(errors.length, 1)

    await page.locator('#run').click()
    await shows(page, 'connections.open', '1')
    await agrees(t, page, app)
    t.ok((await drawn(page))['traffic.received.messages'] > 0)
  })

  t.test('a client that does not read is seen by what it holds, and by what it misses', async t => {
    const { url } = await start(t)
    const { window, errors } = await openWindow(t, browser)
    const page = await window.newPage()
    await page.goto(url)
    await isLive(page)
    t.ok(await page.locator('[data-act=invalid]').isDisabled(), 'nobody is there to misbehave')
    await page.locator('[data-act=deaf]').click()
    await page.locator('[data-stat="slowConsumers.dropped"]:not([value="0"])').waitFor()
    await page.locator('[data-stat="memory.held"]:not([value="0"])').waitFor()
    await shows(page, 'slowConsumers.closed', '0')
    t.same(errors, [])
  })

  t.test('its lines are drawn, and can be read without seeing them', async t => {
    const { url } = await start(t)
    const { window, errors } = await openWindow(t, browser, { colorScheme: 'dark', viewport: { width: 390, height: 800 } })
    const page = await window.newPage()
    await page.goto(url)
    const charts = page.locator('[data-chart] svg')
    t.equal(await charts.count(), 6)
    await page.locator('[data-chart=connections] .line[d^="M"]').waitFor({ state: 'attached' })
    await page.getByRole('img', { name: /^Connections: now 1 open; at most 1$/ }).waitFor()
    await page.getByRole('img', { name: /^Messages per second: now [\d.]+ in, [\d.]+ out; at most [\d.]+$/ }).waitFor()
    await page.getByRole('img', { name: /^Memory that connections hold: now 0 B of 64 MiB; at most 0 B$/ }).waitFor()
    t.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390, 'nothing is cut off on a phone')
    t.same(errors, [])
  })

  t.test('after a restart of the server the page and its clients come back, and count from 0', async t => {
    const first = await start(t)
    const { window, errors } = await openWindow(t, browser)
    const page = await window.newPage()
    await page.goto(first.url)
    await isLive(page)
    await startClients(page, 4)
    await page.locator('[data-act=invalid]').click()
    await shows(page, 'messages.invalid', '1')

    await first.app.close()
    await page.locator('#dashboard[data-state=lost]').waitFor()
    await page.locator('#state', { hasText: 'Connecting again; figures are of' }).waitFor()
    const second = await start(t, { port: first.port })
    await isLive(page)
    await page.locator('#running', { hasText: '4 of 4 connected' }).waitFor()
    await shows(page, 'messages.invalid', '0')
    await page.locator('#run').click()
    await shows(page, 'connections.open', '1')
    await agrees(t, page, second.app)
    t.same(errors.filter(error => !/WebSocket connection to .* failed/.test(error)), [], 'no error but that the server was away')
  })

  t.test('with a token it draws for who knows it, and the log does not', async t => {
    const { lines, stream } = logLines()
    const { url } = await start(t, { options: { logger: { stream } }, ops: { token } })
    const { window, errors } = await openWindow(t, browser)
    const page = await window.newPage()
    await page.goto(url)
    await page.locator('#dashboard[data-state=lost]').waitFor()
    t.match(errors[0], /Authentication failed/)

    const other = await window.newPage()
    await other.goto(`${url}/#token=${token}`)
    await isLive(other)
    t.ok(lines.some(({ req }) => (req as { url?: string } | undefined)?.url === '/ops?token=[redacted]'))
    t.notMatch(JSON.stringify(lines), token)
  })
})

t.test('dashboards with another token, or none, are refused with 401', async t => {
  const { port } = await start(t, { ops: { token } })
  for (const path of ['/ops', '/ops?token=guess', `/ops?token=${token}&token=${token}`]) {
    const client = await RawClient.connect(port)
    client.request(path)
    t.equal((await client.reply()).statusCode, 401)
    await client.ended()
    client.socket.destroy()
  }
})

t.test('pages of other origins are refused with 403', async t => {
  const { port } = await start(t)
  const client = await RawClient.connect(port)
  client.request('/ops', { headers: { Origin: 'https://evil.example' } })
  t.equal((await client.reply()).statusCode, 403)
  client.socket.destroy()
})

t.test('a dashboard that does not read gets the latest report, and is not closed', async t => {
  const { app, port } = await start(t)
  const client = await RawClient.open(port, '/ops')
  t.after(() => client.socket.destroy())
  const report = await client.message()
  client.socket.pause()
  const room = app.room('dashboards')
  // More than the operating system takes for a client that does not read.
  for (let time = 1; time <= 20_000; time++) void room.send({ ...report, time })
  t.match(app.wsStats().slowConsumers, { closed: 0, dropped: 0 })
  t.ok(app.wsStats().slowConsumers.replaced > 0)

  client.socket.resume()
  for (let last = 0; last < 20_000;) last = Number((await client.message()).time)
})

t.test('/metrics says what /ops does', async t => {
  const { app, url, port } = await start(t)
  await RawClient.open(port, '/demo?table=1')
  const scraped = new Exposition(await (await fetch(`${url}/metrics`)).text())
  t.same(scraped.byLabel('ws_connections'), { '/demo': 1 })
  t.equal(scraped.value('ws_memory_limit_bytes'), app.wsStats().memory.limit)
})

t.test('/ready answers 200, and 503 once the server closes', async t => {
  const { app, url, port } = await start(t)
  const ready = await fetch(`${url}/ready`)
  t.equal(ready.status, 200)
  t.same(await ready.json(), { ready: true, reason: 'ok' })

  // Answers no close frame, so that the server has to wait.
  const client = await RawClient.open(port, '/demo?table=1')
  const closing = app.close()
  await client.closeFrame()
  const asked = await fetch(`${url}/ready`)
  t.equal(asked.status, 503)
  client.socket.destroy()
  await Promise.all([closing, once(client.socket, 'close')])
})
