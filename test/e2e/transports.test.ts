import type { Browser, Page } from 'playwright-core'
import type { Test } from 'tap'
import { launchBrowser, openWindow } from '../helpers/browser.ts'
import { startExample } from '../helpers/example.ts'
import { suiteNeeding } from '../helpers/requirements.ts'

const transports = ['polling', 'long-polling', 'websocket'] as const
type Transport = typeof transports[number]

suiteNeeding(['chromium'], 'the transports in a browser', async (t, { chromium }) => {
  const browser = await launchBrowser(t, chromium)
  const { url } = await startExample(t, 'transports')

  t.test('a message is seen by each transport, here and in another tab', async t => {
    const { page, other } = await openPage(t, browser, url)
    await page.locator('#text').fill('By all three')
    await page.locator('#text').press('Enter')
    for (const transport of transports) {
      await card(page, transport).locator('.seen li', { hasText: /By all three\s*[\d.]+ ms/ }).waitFor()
      await card(other, transport).locator('.seen li', { hasText: 'By all three' }).waitFor()
    }
  })

  t.test('a series shows figures for each, and the WebSocket needed the fewest requests and bytes', async t => {
    const { page, errors } = await openPage(t, browser, url)
    await page.locator('#messages').selectOption('5')
    await page.locator('#interval').selectOption('100')
    await page.locator('#start').click()
    await page.locator('#results').waitFor()

    for (const transport of transports) {
      t.match(await figure(page, transport, 'median'), /^[\d.]+ ms$/, `${transport} has a median`)
      t.match(await figure(page, transport, 'p95'), /^[\d.]+ ms$/, `${transport} has a 95th percentile`)
    }
    const requests = await bars(page, 'Requests')
    t.equal(requests.websocket, 1, 'the upgrade is the only request')
    t.ok(requests['long-polling'] >= 10, `each message costs a POST and a GET: ${requests['long-polling']}`)
    t.ok(requests.polling > 5, `polling asks all the time: ${requests.polling}`)
    const bytes = await bars(page, 'Bytes, both ways')
    t.ok(bytes.websocket < bytes['long-polling'] && bytes.websocket < bytes.polling, `bytes: ${JSON.stringify(bytes)}`)
    t.same(errors, [])
  })

  t.test('the requests of polling go on while nothing is said', async t => {
    const { page } = await openPage(t, browser, url)
    const atLeast = (count: number) => page.waitForFunction(count => {
      const shown = document.querySelector('[data-transport=polling] [data-figure=requests]')
      return Number(shown?.textContent) >= count
    }, count)
    await atLeast(5)
    t.equal(await figure(page, 'websocket', 'requests'), '1')
  })

  t.test('on a phone nothing is wider than the screen', async t => {
    const { window } = await openWindow(t, browser, { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true })
    const page = await window.newPage()
    await page.goto(url)
    t.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390)
  })
})

/** Two tabs that are connected by all three. */
async function openPage (t: Test, browser: Browser, url: string) {
  const { window, errors } = await openWindow(t, browser)
  const [page, other] = [await window.newPage(), await window.newPage()]
  for (const tab of [page, other]) {
    await tab.goto(url)
    await tab.locator('body[data-ready]').waitFor()
  }
  return { page, other, errors }
}

function card (page: Page, transport: Transport) {
  return page.locator(`.card[data-transport=${transport}]`)
}

async function figure (page: Page, transport: Transport, name: string): Promise<string> {
  return await card(page, transport).locator(`[data-figure=${name}]`).innerText()
}

/** The values of a chart, by transport. */
async function bars (page: Page, title: string): Promise<Record<Transport, number>> {
  const chart = page.locator('.chart', { has: page.getByRole('heading', { name: title }) })
  const value = async (transport: Transport): Promise<number> => {
    const [, amount, unit] = /([\d.]+) ?(\w*)/.exec(await chart.locator(`[data-transport=${transport}] .bar-value`).innerText()) ?? []
    return Number(amount) * (unit === 'kB' ? 1000 : 1)
  }
  return { polling: await value('polling'), 'long-polling': await value('long-polling'), websocket: await value('websocket') }
}
