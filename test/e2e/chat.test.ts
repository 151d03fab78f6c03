import type { Browser, Page } from 'playwright-core'
import type { Test } from 'tap'
import { launchBrowser, openWindow } from '../helpers/browser.ts'
import { startExample } from '../helpers/example.ts'
import { suiteNeeding } from '../helpers/requirements.ts'
import { enter, say, sayByLecture, sees } from './chat-page.ts'

suiteNeeding(['chromium'], 'the chat in a browser', async (t, { chromium }) => {
  const browser = await launchBrowser(t, chromium)
  const { url } = await startExample(t, 'chat')

  t.test('two tabs talk to each other', async t => {
    const { ada, grace } = await adaAndGrace(t, browser, `${url}/#greetings`)
    await say(ada, 'Hello, Grace')
    await sees(grace, { author: 'Ada', text: 'Hello, Grace' })
    await say(grace, 'Hello, Ada')
    await sees(ada, { author: 'Grace', text: 'Hello, Ada' })
    await sees(ada, { author: 'You', text: 'Hello, Grace' })
    await sees(grace, { author: 'You', text: 'Hello, Ada' })
    t.equal(await grace.locator('.message').count(), 2, 'each message is there once')
  })

  t.test('a room has a conversation of its own', async t => {
    const { window, ada, grace } = await adaAndGrace(t, browser, url)
    await openRoom(ada, 'Chapter 7')
    await grace.locator('[data-room=chapter-7]').click()
    const linus = await enter(window, url, 'Linus')
    await say(ada, 'Only here')
    await sees(grace, { author: 'Ada', text: 'Only here' })
    await say(linus, 'In the lobby')
    await sees(linus, { author: 'You', text: 'In the lobby' })
    t.equal(await linus.getByText('Only here').count(), 0)
    t.equal(await grace.getByText('In the lobby').count(), 0)
  })

  t.test('who comes into a room reads what was said before', async t => {
    const { window, ada } = await adaAndGrace(t, browser, `${url}/#early`)
    await say(ada, 'Said early')
    const linus = await enter(window, `${url}/#early`, 'Linus')
    await sees(linus, { author: 'Ada', text: 'Said early' })
  })

  t.test('a message in another room is counted as unread, until the room is opened', async t => {
    const { ada, grace } = await adaAndGrace(t, browser, `${url}/#unread`)
    await openRoom(ada, 'homework')
    await openRoom(grace, 'homework')
    // A list that is drawn anew amid a click has none.
    await ada.locator('[data-room=homework] .count', { hasText: '2' }).waitFor()
    await ada.locator('[data-room=lobby]').click()
    await say(grace, 'Exercise 3')
    await ada.locator('[data-room=homework] .badge', { hasText: '1' }).waitFor()
    await ada.locator('[data-room=homework]').click()
    await sees(ada, { author: 'Grace', text: 'Exercise 3' })
    await ada.locator('[data-room=homework] .badge').waitFor({ state: 'detached' })
  })

  t.test('the members of a room follow who comes, changes names and goes', async t => {
    const { window, ada, grace } = await adaAndGrace(t, browser, `${url}/#members`)
    const linus = await enter(window, `${url}/#members`, 'Linus')
    await hasMembers(ada, ['Ada', 'Grace', 'Linus'])
    await grace.locator('#rename').click()
    await grace.locator('#username').fill('Rear Admiral')
    await grace.locator('#username').press('Enter')
    await hasMembers(ada, ['Ada', 'Linus', 'Rear Admiral'])
    await linus.close()
    await hasMembers(ada, ['Ada', 'Rear Admiral'])
    await say(grace, 'Under a new name')
    await sees(ada, { author: 'Rear Admiral', text: 'Under a new name' })
  })

  t.test('who types is shown to the others', async t => {
    const { ada, grace } = await adaAndGrace(t, browser, `${url}/#typing`)
    await ada.locator('#message').pressSequentially('Let me')
    await grace.locator('#typing', { hasText: 'Ada is typing' }).waitFor()
    await ada.locator('#message').press('Enter')
    await grace.locator('#typing:empty').waitFor({ state: 'attached' })
  })

  t.test('a tab that is reloaded keeps its name, its room and the conversation', async t => {
    const { ada, grace } = await adaAndGrace(t, browser, `${url}/#reload`)
    await openRoom(ada, 'homework')
    await openRoom(grace, 'homework')
    await say(ada, 'Before')
    await sees(grace, { author: 'Ada', text: 'Before' })
    await ada.reload()
    await sees(ada, { author: 'You', text: 'Before' })
    await say(ada, 'After')
    await sees(grace, { author: 'Ada', text: 'After' })
  })

  t.test('after a restart of the server both tabs come back and talk again', async t => {
    const example = await startExample(t, 'chat')
    const { ada, grace } = await adaAndGrace(t, browser, example.url)
    await say(ada, 'Before')
    await sees(grace, { author: 'Ada', text: 'Before' })
    await example.stop()
    for (const page of [ada, grace]) await page.locator('#status[data-state=waiting]').waitFor()
    await ada.locator('#message').fill('Kept meanwhile')
    await ada.locator('#message').press('Enter')

    await startExample(t, 'chat', { port: example.port })
    for (const page of [ada, grace]) await page.locator('#status[data-state=open]').waitFor()
    await ada.locator('#message').press('Enter')
    await sees(grace, { author: 'Ada', text: 'Kept meanwhile' })
    await say(grace, 'Welcome back')
    await sees(ada, { author: 'Grace', text: 'Welcome back' })
    await sees(ada, { author: 'You', text: 'Before' })
  })

  t.test("the lecture's code talks with the lobby as it is", async t => {
    const { window, ada, errors } = await adaAndGrace(t, browser, url)
    const student = await sayByLecture(window, url, 'From the lecture')
    await sees(ada, { author: 'Student', text: 'From the lecture' })
    await student.locator('#received li', { hasText: '"message":"From the lecture"' }).waitFor()
    await hasMembers(ada, ['Ada', 'Grace', 'Student'])
    await say(ada, 'To the lecture')
    await student.locator('#received li', { hasText: '"username":"Ada","message":"To the lecture"' }).waitFor()
    t.same(errors, [])
  })

  t.test('markup in names and messages is shown as text', async t => {
    const { window, ada } = await adaAndGrace(t, browser, `${url}/#markup`)
    const markup = '<img src=x onerror=alert(1)>'
    const name = '<b>Eve</b>'
    const eve = await enter(window, `${url}/#markup`, name)
    await say(eve, markup)
    await sees(ada, { author: name, text: markup })
    await hasMembers(ada, [name, 'Ada', 'Grace'])
    t.equal(await ada.locator('#messages img, #messages b, #people b').count(), 0)
  })

  t.test('a conversation leaves no error in the console', async t => {
    const { ada, grace, errors } = await adaAndGrace(t, browser, url)
    await say(ada, 'No error')
    await openRoom(grace, 'homework')
    await grace.locator('.leave').click()
    await sees(grace, { author: 'Ada', text: 'No error' })
    t.same(errors, [])
  })

  t.test('on a phone everything is in reach, and nothing wider than the screen', async t => {
    const { window } = await openWindow(t, browser, { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true })
    const ada = await enter(window, url, 'Ada')
    await ada.locator('[popovertarget=rooms]').tap()
    await ada.locator('[data-room=homework]').tap()
    await ada.locator('#room-title', { hasText: 'Homework' }).waitFor()
    await ada.locator('#rooms').waitFor({ state: 'hidden' })
    await ada.locator('#message').fill('a'.repeat(300))
    await ada.locator('.send').tap()
    await sees(ada, { author: 'You', text: 'a'.repeat(300) })
    await ada.locator('[popovertarget=people]').tap()
    await ada.locator('#people-list', { hasText: 'Ada' }).waitFor()
    t.equal(await ada.evaluate(() => document.documentElement.scrollWidth), 390)
  })
})

/** Two tabs of one window in the room that a URL names. */
async function adaAndGrace (t: Test, browser: Browser, url: string) {
  const { window, errors } = await openWindow(t, browser)
  const ada = await enter(window, url, 'Ada')
  const grace = await enter(window, url, 'Grace')
  for (const page of [ada, grace]) await hasMembers(page, ['Ada', 'Grace'])
  return { window, ada, grace, errors }
}

async function openRoom (page: Page, name: string): Promise<void> {
  await page.locator('#new-room-name').fill(name)
  await page.locator('#new-room-name').press('Enter')
  await page.locator('#people-list li').first().waitFor()
}

/** Waits until a page shows just these people. */
async function hasMembers (page: Page, names: string[]): Promise<void> {
  await page.waitForFunction(expected => {
    const shown = Array.from(document.querySelectorAll('.person'), person => person.textContent)
    return JSON.stringify(shown.sort()) === expected
  }, JSON.stringify([...names].sort()))
}
