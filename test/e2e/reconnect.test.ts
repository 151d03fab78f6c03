import type { Page } from 'playwright-core'
import { launchBrowser, openWindow } from '../helpers/browser.ts'
import { startExample } from '../helpers/example.ts'
import { suiteNeeding } from '../helpers/requirements.ts'

suiteNeeding(['chromium'], 'a server that is killed, in a browser', async (t, { chromium }) => {
  const { url, stop } = await startExample(t, 'reconnect')
  const { window, errors } = await openWindow(t, await launchBrowser(t, chromium))
  const [page, other] = [await window.newPage(), await window.newPage()]
  for (const tab of [page, other]) {
    await tab.goto(url)
    await tab.locator('#payments li').nth(2).waitFor()
  }

  t.test('nothing is lost, and what was said meanwhile arrives once', async t => {
    for (const text of ['first', 'second']) {
      const before = await page.locator('#server').textContent()
      await page.locator('[data-away="0"]').first().click()
      // The second is said when the server may be about to die with it.
      if (text === 'first') await page.locator('#app[data-state=waiting]').waitFor()
      await page.locator('#text').fill(text)
      await page.locator('#text').press('Enter')
      await page.locator('#said li[data-message=arrived]', { hasText: text }).waitFor()
      await isServedByAnother(page, String(before))
      await other.locator('#said li', { hasText: text }).waitFor()
    }
    for (const tab of [page, other]) {
      const numbers = await numbersOn(tab)
      t.same(numbers, numbers.map((_, index) => numbers[0] + index))
      t.same(await figures(tab, 'missing', 'twice'), ['0', '0'])
      t.same(await tab.locator('#said span').allTextContents(), ['second', 'first'])
      t.ok(await tab.locator('[data-kind=replayed]').count() > 0)
    }
    const [sum, total] = await figures(page, 'sum', 'total')
    t.equal(sum, total)
  })

  t.test('when the history is lost, too, the page says so, and reads anew how it stands', async t => {
    await page.locator('[data-forget]').click()
    await page.locator('#return', { hasText: 'not recovered' }).waitFor()
    await page.locator('#payments [data-kind=missing]').waitFor()
    const [missing, sum, total] = await figures(page, 'missing', 'sum', 'total')
    t.not(missing, '0')
    t.equal(sum, total)
  })

  t.test('it ends cleanly', async t => {
    t.equal(await stop('SIGINT'), 0)
    t.same(errors.filter(error => !/WebSocket connection to .* failed/.test(error)), [], 'no error but that the server was away')
  })
})

async function isServedByAnother (page: Page, before: string): Promise<void> {
  await page.waitForFunction(before => {
    const now = document.querySelector('#app[data-state=open] #server')?.textContent ?? ''
    return now.startsWith('process') && now !== before
  }, before)
}

async function numbersOn (page: Page): Promise<number[]> {
  return (await page.locator('#payments li').allTextContents()).map(Number)
}

/** As they are at one moment. */
async function figures (page: Page, ...names: string[]): Promise<string[]> {
  return await page.evaluate(names => names.map(name => document.getElementById(name)?.textContent ?? ''), names)
}
