import { chromium } from 'playwright-core'
import type { Browser, BrowserContext, BrowserContextOptions } from 'playwright-core'
import type { Test } from 'tap'

const flags = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync'
]

/** Chromium, ended with the test. */
export async function launchBrowser (t: Test, executablePath: string, ownFlags: readonly string[] = []): Promise<Browser> {
  const browser = await chromium.launch({ executablePath, args: [...flags, ...ownFlags] })
  t.after(() => browser.close())
  return browser
}

export interface Window {
  readonly window: BrowserContext
  /** What went wrong in its tabs: errors that pages threw, and those that the console shows. */
  readonly errors: string[]
}

/** A window of its own, with its own cookies; its tabs share them. */
export async function openWindow (t: Test, browser: Browser, options: BrowserContextOptions = {}): Promise<Window> {
  const window = await browser.newContext(options)
  t.after(() => window.close())
  const errors: string[] = []
  window.on('weberror', error => { errors.push(error.error().message) })
  window.on('console', message => { if (message.type() === 'error') errors.push(message.text()) })
  // A test that waits for what such an error prevented would not tell of it.
  t.after(() => { if (!t.passing()) process.stderr.write(errors.map(error => `${t.name}: ${error}\n`).join('')) })
  return { window, errors }
}
