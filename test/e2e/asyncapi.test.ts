import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import type { Test } from 'tap'
import asyncapi from '../../lib/asyncapi/index.ts'
import { buildApp, listen } from '../helpers/app.ts'
import { launchBrowser, openWindow } from '../helpers/browser.ts'
import { declareDocumentedRoutes } from '../helpers/documented-routes.ts'
import { suiteNeeding } from '../helpers/requirements.ts'

/** Given to the page by the test. */
declare function reportViolation (directive: string): void

suiteNeeding(['chromium'], 'the pages of the document in a browser', async (t, { chromium }) => {
  const browser = await launchBrowser(t, chromium)
  const app = await buildApp(t)
  await app.register(asyncapi, { info: { title: 'Chat', version: '1.2.0', description: 'Rooms to talk in, one floor above the other.' } })
  declareDocumentedRoutes(app)
  const url = `http://127.0.0.1:${await listen(app)}`

  t.test('the page shows title, channels and messages; it asks no other host, and its policy is not violated', async t => {
    const { page, faults } = await openPage(t, browser, `${url}/asyncapi`)
    await shown(page)
    const text = (await page.locator('#document').innerText()).replaceAll('\u00a0', ' ')
    for (const expected of ['Chat 1.2.0', 'Rooms to talk in, one floor above the other.', '/floors/{floor}/chat', '/echo', 'Join', 'Say', 'Said', 'Quit']) {
      t.match(text, expected)
    }
    await page.getByText('Expected Reply Messages').first().click()
    await page.getByText('Joined', { exact: true }).filter({ visible: true }).first().waitFor()
    await page.getByRole('button', { name: 'Expand all' }).last().click()
    await page.getByText('[CIRCULAR]').first().waitFor()
    t.same(faults, [])
  })

  t.test('what a fragment names is scrolled to once it is shown', async t => {
    const { page } = await openPage(t, browser, `${url}/asyncapi#operation-reply-receiveFloorsFloorChatJoin`)
    await page.waitForFunction(() => scrollY > 0 && Math.abs(document.getElementById('operation-reply-receiveFloorsFloorChatJoin')?.getBoundingClientRect().top ?? 1000) < 100)
    t.pass('it is at the top')
  })

  t.test('a valid message is sent, and its reply is shown with what it answers', async t => {
    const { page, faults } = await openTry(t, browser, url)
    await page.getByLabel('Type').selectOption('Join')
    await page.getByLabel('room').fill('lobby')
    await page.getByRole('button', { name: 'Send' }).click()
    const reply = entry(page, 'Joined')
    await reply.waitFor()
    t.match(await reply.innerText(), /answers Join\s+[\d.]+ ms/)
    t.match(await reply.locator('pre').innerText(), '"members": 1')

    await page.getByLabel('Type').selectOption('Say')
    await page.getByLabel('room').fill('lobby')
    await page.getByLabel('text').fill('Hello')
    await page.getByLabel('text').press('Control+Enter')
    const said = entry(page, 'Said')
    await said.waitFor()
    t.match(await said.locator('pre').innerText(), /"from": "Ada"[^]*"text": "Hello"/)
    t.notMatch(await said.innerText(), 'answers')

    await page.getByRole('button', { name: 'Write JSON' }).click()
    await page.getByLabel('JSON').fill('{ not JSON')
    await page.getByRole('button', { name: 'Send' }).click()
    await entry(page, 'Error').waitFor()
    t.match(await entry(page, 'Error').innerText(), 'FST_ERR_WS_INVALID_JSON', 'what is written as text is sent as it is')
    t.same(faults, [])
  })

  t.test('what the server finds wrong is shown at the field that it speaks of', async t => {
    const { page } = await openTry(t, browser, url)
    await page.getByLabel('Type').selectOption('Say')
    await page.getByLabel('room').fill('lobby')
    await page.getByLabel('text').fill('Hello')
    await page.getByLabel('tags: given or not').selectOption('given')
    await page.getByRole('button', { name: 'Add an item' }).click()
    await page.getByLabel('Item').fill('x')
    await page.getByRole('button', { name: 'Send' }).click()
    await entry(page, 'Error').waitFor()
    const item = page.getByLabel('Item')
    t.equal(await item.getAttribute('aria-invalid'), 'true')
    t.match(await described(page, 'Item'), 'must NOT have fewer than 2 characters')

    await item.fill('news')
    await page.getByLabel('priority').fill('12')
    await page.getByRole('button', { name: 'Send' }).click()
    await page.locator('.error', { hasText: 'must be <= 9' }).waitFor()
    t.match(await described(page, 'priority'), 'must be <= 9')
    t.equal(await item.getAttribute('aria-invalid'), 'false', 'what was wrong before is not shown any more')
  })

  t.test('a schema that contains itself, and a record, have a form', async t => {
    const { page } = await openTry(t, browser, url)
    await page.getByLabel('Type').selectOption('Grow')
    const form = page.locator('.composer')
    await form.getByLabel('name').fill('root')
    for (const name of ['left', 'right']) {
      // The last button is that of the outermost list.
      await form.getByRole('button', { name: 'Add an item' }).last().click()
      await form.getByLabel('name').last().fill(name)
    }
    await page.getByRole('button', { name: 'Send' }).click()
    const grown = entry(page, 'Grown')
    await grown.waitFor()
    t.match(await grown.locator('pre').innerText(), '"leaves": 2')

    await page.getByLabel('Type').selectOption('Say')
    await page.getByLabel('counts: given or not').selectOption('given')
    await page.getByRole('button', { name: 'Add an entry' }).click()
    await page.getByLabel('Name', { exact: true }).fill('seen')
    await page.getByLabel('Value').fill('3')
    await page.getByLabel('attachment: given or not').selectOption('given')
    await page.getByLabel('Kind').selectOption('poll')
    await page.getByRole('button', { name: 'Write JSON' }).click()
    t.same(JSON.parse(await page.getByLabel('JSON').inputValue()), { type: 'say', attachment: { kind: 'poll', options: [null, null] }, counts: { seen: 3 } })

    await page.getByLabel('JSON').fill('{ "type": "say", "text": "by hand", "attachment": { "kind": "link", "url": "/a" }, "at": null }')
    await page.getByRole('button', { name: 'Fill in a form' }).click()
    t.equal(await page.getByLabel('text').inputValue(), 'by hand')
    t.equal(await page.getByLabel('url').inputValue(), '/a')
    t.equal(await page.getByLabel('at: given or not').locator('option:checked').innerText(), 'null')

    await page.getByRole('button', { name: 'Write JSON' }).click()
    await page.getByLabel('JSON').fill('{ "type": "say", "unknown": true }')
    await page.getByRole('button', { name: 'Fill in a form' }).click()
    await page.getByText('The form cannot show all of this').waitFor()
    t.ok(await page.getByLabel('JSON').isVisible(), 'what the form has no place for is not lost')
  })

  t.test('the code and the reason of a close are shown, and a new connection can be made', async t => {
    const { page } = await openTry(t, browser, url)
    await page.getByLabel('Type').selectOption('Quit')
    await page.getByLabel('code').fill('4321')
    await page.getByRole('button', { name: 'Send' }).click()
    await entry(page, 'Closed: 4321').waitFor()
    t.match(await entry(page, 'Closed: 4321').innerText(), 'as you asked')
    t.ok(await page.getByRole('button', { name: 'Send' }).isDisabled())
    await page.getByRole('button', { name: 'Connect', exact: true }).click()
    await page.locator('.state[data-state=open]').waitFor()
    await page.getByRole('button', { name: 'Disconnect' }).click()
    await entry(page, 'Closed by this page').waitFor()

    await page.locator('.connector').getByLabel('name').fill('')
    await page.getByRole('button', { name: 'Connect', exact: true }).click()
    await entry(page, 'Closed: 1006').waitFor()
    t.match(await entry(page, 'Closed: 1006').innerText(), 'a browser does not tell why', 'an upgrade that is refused is a close, too')
  })

  t.test('a route that is not JSON is sent text, or bytes; the log keeps the last 500', async t => {
    const { page, faults } = await openPage(t, browser, `${url}/asyncapi/try#echo`)
    await page.getByRole('button', { name: 'Connect' }).click()
    await page.locator('.state[data-state=open]').waitFor()
    await page.getByLabel('Payload').fill('plain text')
    await page.getByRole('button', { name: 'Send' }).click()
    await page.locator('.received pre', { hasText: 'plain text' }).waitFor()
    await page.getByLabel('Sent as').selectOption('Bytes, in hexadecimal')
    await page.getByLabel('Payload').fill('DEad be ef')
    await page.getByRole('button', { name: 'Send' }).click()
    await page.locator('.received pre', { hasText: 'de ad be ef' }).waitFor()
    await page.getByLabel('Payload').fill('de a')
    await page.getByRole('button', { name: 'Send' }).click()
    await page.getByText('pairs of hexadecimal digits').waitFor()
    t.same(faults, [])

    await page.getByLabel('Sent as').selectOption('Text')
    await page.evaluate(() => {
      const field = document.querySelector<HTMLTextAreaElement>('.composer textarea')
      const form = field?.closest('form')
      if (!field || !form) return
      for (let count = 1; count <= 300; count++) {
        field.value = `number ${count}`
        form.requestSubmit()
      }
    })
    await page.locator('.received pre', { hasText: 'number 300' }).waitFor()
    t.equal(await page.locator('.entries > li').count(), 500)
  })

  t.test('on a phone nothing is wider than the screen', async t => {
    const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }
    const { page } = await openPage(t, browser, `${url}/asyncapi`, phone)
    await shown(page)
    t.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390)
    await page.getByRole('link', { name: 'Try it' }).click()
    await page.locator('.composer').waitFor()
    t.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390)
  })

  t.test('below prefixes, one of which a proxy takes off, both pages load, link to each other, and connect', async t => {
    const app = await buildApp(t, {}, { rewriteUrl: request => (request.url ?? '').replace(/^\/outside(?=\/)/, '') })
    await app.register(async scope => {
      await scope.register(asyncapi, { path: '/docs/ws' })
      declareDocumentedRoutes(scope)
    }, { prefix: '/v1' })
    const { page, faults } = await openPage(t, browser, `http://127.0.0.1:${await listen(app)}/outside/v1/docs/ws`)
    await shown(page)
    await page.getByRole('link', { name: 'Try it' }).click()
    await connectAs(page, 'Ada')
    await page.getByRole('link', { name: 'Documentation' }).click()
    await shown(page)
    t.same(faults, [])
  })
})

interface Opened {
  readonly page: Page
  /** Errors, requests to other hosts, and violations of the content security policy. */
  readonly faults: string[]
}

async function openPage (t: Test, browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Opened> {
  const { window, errors: faults } = await openWindow(t, browser, options)
  const page = await window.newPage()
  const { host } = new URL(url)
  await page.route(address => address.host !== host, async (route, request) => {
    faults.push(`asked for ${request.url()}`)
    await route.abort()
  })
  await page.exposeFunction('reportViolation', (directive: string) => { faults.push(`violated ${directive}`) })
  await page.addInitScript(() => {
    addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => reportViolation(`${violatedDirective}: ${blockedURI}`))
  })
  await page.goto(url)
  return { page, faults }
}

async function openTry (t: Test, browser: Browser, url: string): Promise<Opened> {
  const opened = await openPage(t, browser, `${url}/asyncapi/try`)
  await connectAs(opened.page, 'Ada')
  return opened
}

async function connectAs (page: Page, name: string): Promise<void> {
  await page.getByLabel('floor').selectOption('first')
  await page.locator('.connector').getByLabel('name').fill(name)
  await page.getByRole('button', { name: 'Connect' }).click()
  await page.locator('.state[data-state=open]').waitFor()
}

/** The document is there. */
async function shown (page: Page): Promise<void> {
  await page.getByRole('heading', { name: 'Operations' }).waitFor()
}

function entry (page: Page, title: string) {
  return page.locator('.entries > li:not(.sent)', { has: page.getByText(title, { exact: true }) })
}

/** What is said of a field. */
async function described (page: Page, label: string): Promise<string> {
  const ids = await page.getByLabel(label).getAttribute('aria-describedby')
  const texts = await Promise.all((ids ?? '').split(' ').map(id => page.locator(`#${id}`).allInnerTexts()))
  return texts.flat().join(' ')
}
