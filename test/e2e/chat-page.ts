import type { BrowserContext, Page } from 'playwright-core'

/* What a user does on the page of the chat, and sees there. */

/** A tab that has said its name and is in the room that the URL names. */
export async function enter (window: BrowserContext, url: string, name: string): Promise<Page> {
  const page = await window.newPage()
  await page.goto(url)
  await page.locator('#username').fill(name)
  await page.locator('#username').press('Enter')
  await page.locator('#people-list', { hasText: name }).waitFor({ state: 'attached' })
  return page
}

export async function say (page: Page, text: string): Promise<void> {
  await page.locator('#message').fill(text)
  await page.locator('#message').press('Enter')
}

/** The lecture's page, on which a student has said something. */
export async function sayByLecture (window: BrowserContext, url: string, text: string): Promise<Page> {
  const page = await window.newPage()
  await page.goto(`${url}/lecture.html`)
  await page.locator('#username').fill('Student')
  await page.locator('#send:enabled').waitFor()
  await say(page, text)
  return page
}

/** Waits until a page shows a message. */
export async function sees (page: Page, { author, text }: { author: string, text: string }): Promise<void> {
  await page.locator('.message').filter({ has: page.locator('.bubble', { hasText: text }) })
    .filter({ has: page.locator('.author').getByText(author, { exact: true }) }).waitFor()
}
