import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import type { Test } from 'tap'
import type { Browser, Page } from 'playwright-core'
import { launchBrowser, openWindow } from '../helpers/browser.ts'
import { startExample } from '../helpers/example.ts'
import type { RunningExample } from '../helpers/example.ts'
import { packageRoot } from '../helpers/paths.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { suiteNeeding } from '../helpers/requirements.ts'

/** Ended as a reader ends it: what it has started ends with it. */
async function startCluster (t: Test): Promise<RunningExample> {
  const example = await startExample(t, 'cluster')
  const end = (): void => { void example.stop() }
  // A test that takes too long is ended: what it has started would go on.
  process.once('SIGTERM', end)
  t.after(async () => {
    process.off('SIGTERM', end)
    await example.stop()
  })
  return example
}

/** A tab of somebody, in the room. */
async function openTab (t: Test, browser: Browser, url: string, name: string): Promise<Page> {
  const { window } = await openWindow(t, browser)
  const page = await window.newPage()
  await page.goto(`${url}/?name=${name}`)
  await shows(page, '#process', /^(amber|teal|plum)$/)
  return page
}

async function shows (page: Page, selector: string, text: string | RegExp): Promise<void> {
  await page.locator(selector, { hasText: text }).first().waitFor()
}

async function processOf (page: Page): Promise<string> {
  return String(await page.locator('#process').textContent())
}

async function say (page: Page, text: string): Promise<void> {
  await page.locator('#message').fill(text)
  await page.locator('#message').press('Enter')
}

/** What the board of a tab shows, in order. */
async function saidOn (page: Page): Promise<string[]> {
  return await page.locator('.bubble').allTextContents()
}

async function eventIdsOn (page: Page): Promise<string[]> {
  return await page.locator('.message code').allTextContents()
}

async function memberOf (page: Page, name: string, process: string): Promise<void> {
  await page.locator('#members li', { hasText: name }).locator('.chip', { hasText: process }).waitFor()
}

suiteNeeding(['redis-server', 'nginx', 'chromium'], 'the cluster in a browser', async (t, { chromium }) => {
  const { url } = await startCluster(t)
  const browser = await launchBrowser(t, chromium)
  const [ada, grace] = [await openTab(t, browser, url, 'Ada'), await openTab(t, browser, url, 'Grace')]

  t.test('a message crosses from one process to another, and everybody is shown with his process', async t => {
    const [one, two] = [await processOf(ada), await processOf(grace)]
    t.not(one, two)
    await say(ada, '<b>Hello</b>')
    for (const page of [ada, grace]) await shows(page, '.bubble', '<b>Hello</b>')
    t.same(await eventIdsOn(grace), await eventIdsOn(ada))
    for (const page of [ada, grace]) {
      await memberOf(page, 'Ada', one)
      await memberOf(page, 'Grace', two)
    }
  })

  t.test('a tab whose process is killed comes back to another one, and is replayed what was said meanwhile', async t => {
    const before = await processOf(ada)
    await ada.locator('#kill').click()
    await shows(ada, '#status', 'lost')
    // At one stroke: Ada does not stay away for long.
    const texts = ['first', 'second', 'third']
    await grace.evaluate(texts => {
      const field = document.querySelector<HTMLInputElement>('#message')
      for (const text of texts) {
        if (field === null) return
        field.value = text
        field.form?.requestSubmit()
      }
    }, texts)
    for (const text of texts) await shows(grace, '.bubble', text)
    await shows(ada, '#resume', 'recovered: true · replayed: 3')
    t.not(await processOf(ada), before)
    t.same(await saidOn(ada), await saidOn(grace))
    t.same(await eventIdsOn(ada), await eventIdsOn(grace))
    t.equal(await ada.locator('.replayed').count(), 3)

    // The connection that died with its process is missed by and by.
    await grace.locator('.notice', { hasText: `Ada has left ${before}` }).waitFor()
    await memberOf(grace, 'Ada', await processOf(ada))
    await grace.locator('#count', { hasText: /^2$/ }).waitFor()
  })

  t.test('nothing is lost while Redis is away: what is said waits for it', async t => {
    await grace.locator('#restart-redis').click()
    await shows(ada, '#redis', 'away')
    t.equal(await grace.locator('#trouble').textContent(), '', 'who has asked for it is told of no error')
    await say(ada, 'said without Redis')
    await shows(ada, '#trouble', 'Waiting for Redis')
    for (const page of [ada, grace]) await shows(page, '.bubble', 'said without Redis')
    for (const page of [ada, grace]) await shows(page, '#redis', 'reached')
    t.same(await saidOn(ada), await saidOn(grace))
    t.equal(await ada.locator('.notice', { hasText: 'missing' }).count(), 0)
  })
})

suiteNeeding(['redis-server', 'nginx'], 'the cluster runs alone', async t => {
  t.test('it serves its page under a strict policy, and ends cleanly while somebody is connected', async t => {
    const { url, port, stop } = await startCluster(t)
    const response = await fetch(url)
    t.match(await response.text(), '<!doctype html>')
    const policy = response.headers.get('content-security-policy') ?? ''
    t.match(policy, "default-src 'none'")
    t.notMatch(policy, 'unsafe')
    const client = await RawClient.open(port, '/board?name=Ada')
    t.after(() => client.socket.destroy())
    t.equal(await stop('SIGINT'), 0)
    await t.rejects(fetch(url), 'nginx has ended, too')
  })
})

t.test('the cluster names what is not installed', async t => {
  const path = join(packageRoot, '.build/examples/cluster/programs.js')
  const { findPrograms }: { findPrograms: (names: readonly string[]) => unknown } = await import(pathToFileURL(path).href)
  t.throws(() => findPrograms(['sh', 'no-such-server', 'nor-such-proxy']), { message: /^not installed: no-such-server, nor-such-proxy \(looked in .*\/usr\/sbin/ })
  t.match(findPrograms(['sh']), { sh: /^\/.*\/sh$/ })
})
