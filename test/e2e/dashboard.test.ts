import t from 'tap'
import { launchBrowser, openWindow } from '../helpers/browser.ts'
import { buildExample, listenExample } from '../helpers/example.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { suiteNeeding } from '../helpers/requirements.ts'

interface Reading { type: 'reading', machine: string, load: number, number: number, time: number }
interface Joined { type: 'joined', room: string, readings: Reading[] }

t.test('the dashboard tells all machines of a group, and then what changes', async t => {
  const app = await buildExample(t, 'dashboard')
  const client = await app.injectWS('/dashboard')
  client.send({ type: 'join', room: 'web', id: 1 })
  let joined = await client.receive<Joined | Reading>()
  while (joined.type !== 'joined') joined = await client.receive()
  t.equal(joined.readings.length, 16)
  let change = await client.receive<Reading>()
  while (change.type !== 'reading') change = await client.receive()
  const before = joined.readings.find(({ machine }) => machine === change.machine)
  t.equal(change.number, Number(before?.number) + 1)
})

t.test('the dashboard refuses a group that is none', async t => {
  const app = await buildExample(t, 'dashboard')
  const client = await app.injectWS('/dashboard')
  client.send({ type: 'join', room: 'toasters', id: 1 })
  // Its figures may come first.
  let reply = await client.receive<{ type: string }>()
  while (reply.type !== 'error') reply = await client.receive()
  t.match(reply, { id: 1, code: 'FST_ERR_WS_INVALID_MESSAGE' })
})

t.test('the dashboard keeps the latest of each machine for a client that does not read, and tells so at /stats', async t => {
  const { app, url, port } = await listenExample(t, 'dashboard')
  const client = await RawClient.open(port, '/dashboard')
  t.after(() => client.socket.destroy())
  client.send({ type: 'join', room: 'web' })
  while ((await client.message()).type !== 'joined');
  client.socket.pause()
  const machine = 'X'.repeat(4000)
  // More than the operating system takes for a client that does not read.
  for (let number = 1; number <= 5000; number++) await app.room('machines:web').send({ type: 'reading', machine, load: 1, number, time: 0 })
  const { slowConsumers } = await (await fetch(`${url}/stats`)).json()
  t.match(slowConsumers, { closed: 0, dropped: 0 })
  t.ok(slowConsumers.replaced > 0)

  client.socket.resume()
  let last = 0
  while (last < 5000) {
    const reading = await client.message()
    if (reading.machine === machine) last = Number(reading.number)
  }
  t.equal(last, 5000)
})

suiteNeeding(['chromium'], 'the dashboard in a browser', async (t, { chromium }) => {
  const { url } = await listenExample(t, 'dashboard')
  const { window, errors } = await openWindow(t, await launchBrowser(t, chromium))
  const [page, other] = [await window.newPage(), await window.newPage()]
  for (const tab of [page, other]) {
    await tab.goto(url)
    await tab.locator('#tiles li').nth(47).waitFor()
  }
  const positive = /^[1-9]/

  t.test('tiles are of the groups that are chosen', async t => {
    await page.locator('#rate', { hasText: positive }).waitFor()
    await page.locator('[data-group=web]').click()
    t.equal(await page.locator('#tiles li').count(), 32)
    await page.locator('[data-group=web]').click()
    await page.locator('#tiles li', { hasText: 'web-16' }).waitFor()
    t.equal(await page.locator('#tiles span').first().textContent(), 'web-01')
    t.equal(await page.locator('#skipped-all').textContent(), '0')
  })

  t.test('a page that reads slowly skips what is out of date, and is not closed; another one skips nothing', async t => {
    await page.locator('#slow').click()
    await page.locator('#skipped-all', { hasText: positive }).waitFor()
    await page.locator('[data-figure=replaced]', { hasText: positive }).waitFor()
    await other.locator('[data-figure=replaced]', { hasText: positive }).waitFor()
    t.equal(await other.locator('#skipped-all').textContent(), '0')
    t.equal(await page.locator('[data-figure=closed]').textContent(), '0')
    await page.locator('#slow').click()
    await page.locator('#age', { hasText: ' ms' }).waitFor()
    t.same(errors, [])
  })
})
