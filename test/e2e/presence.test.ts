import type { Page } from 'playwright-core'
import t from 'tap'
import { launchBrowser, openWindow } from '../helpers/browser.ts'
import { buildExample, listenExample } from '../helpers/example.ts'
import { keepAlive } from '../helpers/keep-alive.ts'
import { suiteNeeding } from '../helpers/requirements.ts'

interface Message { type: string }

t.test('presence answers a join with who is there, and tells who comes, who changes and who goes', async t => {
  keepAlive(t)
  const app = await buildExample(t, 'presence')
  const [ada, grace] = [await app.injectWS('/presence?name=Ada&hue=1'), await app.injectWS('/presence?name=Grace&hue=2')]
  const next = async (client: typeof ada, type: string): Promise<Message> => {
    for (;;) {
      const message = await client.receive<Message>()
      if (message.type === type) return message
    }
  }
  ada.send({ type: 'join', room: 'plan', id: 1 })
  t.match(await next(ada, 'joined'), { id: 1, room: 'plan', count: 1, members: [{ data: { name: 'Ada', hue: 1, status: 'active' } }] })
  t.match(await next(ada, 'presence'), { count: 1, joined: [{ data: { name: 'Ada' } }] })
  grace.send({ type: 'join', room: 'plan', id: 2 })
  t.match(await next(grace, 'joined'), { count: 2 })
  t.match(await next(ada, 'presence'), { room: 'document:plan', count: 2, joined: [{ data: { name: 'Grace' } }], left: [] })
  grace.send({ type: 'status', status: 'typing' })
  t.match(await next(ada, 'presence'), { count: 2, joined: [{ data: { name: 'Grace', status: 'typing' } }] })
  grace.terminate()
  t.match(await next(ada, 'presence'), { count: 1, joined: [], left: [{ data: { name: 'Grace' } }] })
})

suiteNeeding(['chromium'], 'presence in a browser', async (t, { chromium }) => {
  const browser = await launchBrowser(t, chromium)

  t.test('each sees the other, by name and by status, and who has left', async t => {
    const { url } = await listenExample(t, 'presence')
    const { window, errors } = await openWindow(t, browser)
    const [ada, eve] = [await window.newPage(), await window.newPage()]
    await ada.goto(`${url}/?name=Ada`)
    await eve.goto(`${url}/?name=${encodeURIComponent('<b>Eve</b>')}`)
    const eveFrom = ada.locator('#people li', { hasText: '<b>Eve</b>' })
    await eveFrom.waitFor()
    await eve.locator('#people li', { hasText: 'Ada' }).waitFor()
    // Who stops is soon shown as one who does not type.
    const seen = ada.locator('#people li[data-status=typing]', { hasText: '<b>Eve</b>' }).waitFor().then(() => true)
    while (!await Promise.race([seen, eve.locator('#notes').pressSequentially('Dear ').then(() => false)]));
    await eve.locator('[data-document=letter]').click()
    await eveFrom.waitFor({ state: 'detached' })
    await counts(ada, { plan: '1', letter: '1' })
    t.equal(await ada.locator('#count').textContent(), '1')
    t.same(errors, [])
  })

  t.test('many who come at once are one notice, which lists some of them', async t => {
    // Within it all of them come in, on a busy machine, too.
    const app = await buildExample(t, 'presence', {}, { interval: 2_000 })
    const url = await app.listen({ host: '127.0.0.1', port: 0 })
    const { window, errors } = await openWindow(t, browser)
    const [eve, ada] = [await window.newPage(), await window.newPage()]
    await eve.goto(`${url}/?name=Eve`)
    await eve.locator('[data-document=letter]').click()
    await counts(eve, { plan: '0', letter: '1' })
    await ada.goto(`${url}/?name=Ada`)
    await ada.locator('#notices li', { hasText: '1 came' }).waitFor()
    await ada.locator('#bring').click()
    await ada.locator('#notices li', { hasText: '20 came, 5 more, not listed · 26 here' }).waitFor()
    await ada.locator('#people li').nth(25).waitFor()
    await counts(eve, { plan: '26', letter: '1' })
    await ada.locator('#send-away').click()
    await ada.locator('#people li').nth(1).waitFor({ state: 'detached' })
    t.equal(await ada.locator('#count').textContent(), '1')
    t.same(errors, [])
  })
})

async function counts (page: Page, shown: Record<string, string>): Promise<void> {
  for (const [name, count] of Object.entries(shown)) await page.locator(`[data-count=${name}]`).getByText(count, { exact: true }).waitFor()
}
