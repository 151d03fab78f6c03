import { decode, encode } from '@msgpack/msgpack'
import t from 'tap'
import type { Test } from 'tap'
import type { Browser, Page } from 'playwright-core'
import { launchBrowser, openWindow } from '../helpers/browser.ts'
import { binary } from '../helpers/bytes.ts'
import { buildExample, listenExample } from '../helpers/example.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { suiteNeeding } from '../helpers/requirements.ts'

interface Stroke { by: string, stroke: number, points: number[] }
interface Joined { type: 'joined', id: number, by: string, people: Array<{ data: { name: string } }>, strokes: Stroke[] }
type Client = Awaited<ReturnType<Awaited<ReturnType<typeof buildExample>>['injectWS']>>

const keyOf = (name: string) => name.charCodeAt(0).toString(16).padStart(32, '0')
const line = (stroke: number, points: number[]) => ({ type: 'draw', stroke, colour: 1, width: 6, points })

/** A board, and a client at it that is told nothing of who is there. */
async function joinBoard (client: Client, name: string, room = 'tea'): Promise<Joined> {
  client.send({ type: 'join', room, name, colour: 2, key: keyOf(name), id: 1 })
  return await receiveNext(client, 'joined')
}

/** What the server says by itself, and whenever it does: who comes and goes, and that it lives. */
const notices = ['presence', 'heartbeat']

/** The next message of the application. */
async function receive<Message extends { type: string }> (client: Client): Promise<Message> {
  for (;;) {
    const message = await client.receive<Message>()
    if (!notices.includes(message.type)) return message
  }
}

async function receiveNext<Message extends { type: string }> (client: Client, type: Message['type']): Promise<Message> {
  const message = await receive<Message>(client)
  t.equal(message.type, type)
  return message
}

t.test('a newcomer is sent the strokes, and nobody is told the key of anybody', async t => {
  const app = await buildExample(t, 'whiteboard')
  const [ada, grace] = await Promise.all([app.injectWS('/whiteboard'), app.injectWS('/whiteboard')])
  const { by } = await joinBoard(ada, 'Ada')
  ada.send(line(0, [1, 2]))
  ada.send(line(0, [3, 4, 5, 6]))
  // Answered when these have been handled.
  await joinBoard(ada, 'Ada')
  const joined = await joinBoard(grace, 'Grace')
  t.match(joined, { id: 1, strokes: [{ by, stroke: 0, colour: 1, width: 6, points: [1, 2, 3, 4, 5, 6] }] })
  t.same(joined.people.map(({ data }) => data.name).sort(), ['Ada', 'Grace'])
  t.notMatch(JSON.stringify(joined), keyOf('Ada'))
})

t.test('undo takes back the last stroke of whoever asks, over a later connection too', async t => {
  const app = await buildExample(t, 'whiteboard')
  const [ada, grace] = await Promise.all([app.injectWS('/whiteboard'), app.injectWS('/whiteboard')])
  const { by } = await joinBoard(ada, 'Ada')
  await joinBoard(grace, 'Grace')
  ada.send(line(0, [1, 1]))
  ada.send(line(1, [2, 2]))
  await receiveNext(grace, 'drew')
  await receiveNext(grace, 'drew')
  grace.send(line(0, [3, 3]))
  await receiveNext(ada, 'drew')
  ada.terminate()

  const back = await app.injectWS('/whiteboard')
  t.equal((await joinBoard(back, 'Ada')).by, by)
  back.send({ type: 'undo' })
  for (const client of [back, grace]) t.same(await receiveNext(client, 'removed'), { type: 'removed', strokes: [{ by, stroke: 1 }] })
  const { strokes } = await joinBoard(await app.injectWS('/whiteboard'), 'Mary')
  t.same(strokes.map(({ points }) => points), [[1, 1], [3, 3]])
})

t.test('boards are apart, and who goes to another one leaves the first', async t => {
  const app = await buildExample(t, 'whiteboard')
  const [ada, grace] = await Promise.all([app.injectWS('/whiteboard'), app.injectWS('/whiteboard')])
  await joinBoard(ada, 'Ada')
  await joinBoard(grace, 'Grace')
  await joinBoard(grace, 'Grace', 'coffee')
  ada.send(line(0, [1, 1]))
  ada.send({ type: 'clear' })
  await receiveNext(ada, 'cleared')
  t.equal(app.room('board:tea').size, 1)
  t.equal(app.room('board:coffee').size, 1)
  grace.send(line(0, [2, 2]))
  grace.send({ type: 'clear' })
  await receiveNext(grace, 'cleared')
})

t.test('nobody draws without a board, nor beyond its edge, nor on boards without end', async t => {
  const app = await buildExample(t, 'whiteboard')
  const eve = await app.injectWS('/whiteboard')
  eve.send({ ...line(0, [1, 1]), id: 1 })
  t.match(await receive(eve), { type: 'error', id: 1, code: 'WHITEBOARD_NOT_AT_BOARD' })
  await joinBoard(eve, 'Eve')
  eve.send({ ...line(0, [1, 2001]), id: 2 })
  t.match(await receiveNext(eve, 'error'), { id: 2, code: 'FST_ERR_WS_INVALID_MESSAGE' })

  const clients = await Promise.all(Array.from({ length: 50 }, () => app.injectWS('/whiteboard')))
  const answers = await Promise.all(clients.map(async (client, index) => {
    client.send({ type: 'join', room: `board-${index}`, name: 'Eve', colour: 0, key: keyOf('Eve') })
    return (await receive<{ type: string, code?: string }>(client)).code
  }))
  t.same(answers.filter(code => code !== undefined), ['WHITEBOARD_TOO_MANY_BOARDS'])
})

t.test('a drawing is bounded: the oldest strokes make room', async t => {
  const app = await buildExample(t, 'whiteboard')
  const ada = await app.injectWS('/whiteboard')
  const { by } = await joinBoard(ada, 'Ada')
  const points = Array.from({ length: 512 }, () => 1)
  for (let stroke = 0; stroke < 118; stroke++) ada.send(line(stroke, points))
  t.same(await receiveNext(ada, 'removed'), { type: 'removed', strokes: [{ by, stroke: 0 }] })
})

t.test('a slow reader gets the latest place of a cursor, and every stroke', async t => {
  const { app, port } = await listenExample(t, 'whiteboard')
  const slow = await RawClient.open(port, '/whiteboard', { headers: { 'Sec-WebSocket-Protocol': 'msgpack' } })
  t.after(() => slow.socket.destroy())
  slow.write(binary(Buffer.from(encode({ type: 'join', room: 'tea', name: 'Slow', colour: 0, key: keyOf('S') }))))
  t.equal((await unpacked(slow)).type, 'joined')
  slow.socket.pause()

  const cursors = app.room('cursors:tea')
  const by = 'x'.repeat(4000)
  // More than the operating system takes for a client that does not read.
  for (let x = 0; x <= 2000; x++) await cursors.send({ type: 'pointed', by, x, y: 1 })
  await cursors.send({ type: 'pointed', by, x: 7, y: 7 })
  t.ok(app.wsStats().slowConsumers.replaced > 0)
  t.equal(app.wsStats().slowConsumers.closed, 0)

  slow.socket.resume()
  let last = await unpacked(slow)
  while (last.y !== 7) last = await unpacked(slow)
  t.equal(last.x, 7)
})

suiteNeeding(['chromium'], 'a whiteboard in two windows', async (t, { chromium }) => {
  const browser = await launchBrowser(t, chromium)

  t.test('what one draws the others see, a newcomer too, in MessagePack or JSON', async t => {
    const { app, url } = await listenExample(t, 'whiteboard')
    const ada = await openBoard(t, browser, url, 'Ada')
    const grace = await openBoard(t, browser, `${url}/?protocol=json`, 'Grace')
    await ada.page.locator('#people li', { hasText: 'Grace' }).waitFor()
    t.same([...app.wsConnections].map(({ protocol }) => protocol).sort(), ['json', 'msgpack'])

    await draw(ada.page, [0.2, 0.2], [0.8, 0.2])
    await inked(grace.page, 0.5, 0.2)
    await draw(grace.page, [0.2, 0.8], [0.8, 0.8])
    await inked(ada.page, 0.5, 0.8)
    await grace.page.locator('.cursor span', { hasText: 'Ada' }).waitFor()
    await ada.page.locator('.cursor span', { hasText: 'Grace' }).waitFor()

    const mary = await openBoard(t, browser, url, 'Mary')
    await inked(mary.page, 0.5, 0.2)
    await inked(mary.page, 0.5, 0.8)

    // Both codecs are on the wire.
    t.ok(ada.frames.length > 0 && ada.frames.every(Buffer.isBuffer))
    t.ok(ada.frames.some(frame => (decode(frame as Buffer) as { type: string }).type === 'draw'))
    t.ok(grace.frames.length > 0 && grace.frames.every(frame => typeof frame === 'string'))

    await ada.page.locator('#undo').click()
    for (const { page } of [ada, grace, mary]) await inked(page, 0.5, 0.2, false)
    await inked(grace.page, 0.5, 0.8)

    // What was drawn without a connection is nowhere; what the server has is there again.
    const again = [grace, mary].map(({ page }) => page.waitForEvent('websocket'))
    for (const connection of app.wsConnections) connection.terminate()
    await Promise.all(again)
    await grace.page.locator('#connection', { hasText: /^Connected/ }).waitFor()
    await inked(grace.page, 0.5, 0.8)
    await mary.page.locator('#connection', { hasText: /^Connected/ }).waitFor()
    await mary.page.locator('#clear').click()
    await inked(grace.page, 0.5, 0.8, false)
    await grace.page.locator('#hint:visible').waitFor()

    await mary.page.locator('#bytes tr', { hasText: 'clear' }).first().waitFor()
    t.match(await mary.page.locator('#saved').textContent(), /\d\u00a0% less/)
    t.same([...ada.errors, ...grace.errors, ...mary.errors], [])
  })

  t.test('a board is its address, and a name can be changed', async t => {
    const { url } = await listenExample(t, 'whiteboard')
    const ada = await openBoard(t, browser, `${url}/#coffee`, 'Ada')
    const grace = await openBoard(t, browser, url, 'Grace')
    await draw(ada.page, [0.2, 0.2], [0.8, 0.2])
    await grace.page.evaluate(() => { window.location.hash = 'coffee' })
    await inked(grace.page, 0.5, 0.2)
    await grace.page.locator('#name').fill('<b>Hopper</b>')
    await grace.page.locator('#name').press('Enter')
    await ada.page.locator('#people li', { hasText: '<b>Hopper</b>' }).waitFor()
    t.equal(await ada.page.locator('#people li').count(), 2)
    await grace.page.close()
    await ada.page.locator('#people li', { hasText: 'Hopper' }).waitFor({ state: 'detached' })
    t.same([...ada.errors, ...grace.errors], [])
  })
})

suiteNeeding(['chromium'], 'a whiteboard on a phone', async (t, { chromium }) => {
  const { url } = await listenExample(t, 'whiteboard')
  const { window, errors } = await openWindow(t, await launchBrowser(t, chromium), { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true })
  const page = await window.newPage()
  await page.goto(url)
  await page.locator('#undo:enabled').waitFor()
  const box = await page.locator('#canvas').boundingBox()
  if (box === null) throw new Error('there is no canvas')
  const session = await window.newCDPSession(page)
  const touch = async (type: 'touchStart' | 'touchMove' | 'touchEnd', ...shares: number[]): Promise<void> => {
    await session.send('Input.dispatchTouchEvent', { type, touchPoints: shares.map(share => ({ x: box.x + 0.5 * box.width, y: box.y + share * box.height })) })
  }
  await touch('touchStart', 0.8)
  for (const share of [0.6, 0.4, 0.2]) await touch('touchMove', share)
  await touch('touchEnd')
  await inked(page, 0.5, 0.5)
  t.equal(await page.evaluate(() => scrollY), 0, 'a finger draws, and does not scroll')
  t.same(errors, [])
})

async function unpacked (client: RawClient): Promise<{ type: string, x?: number, y?: number }> {
  for (;;) {
    const { opcode, payload } = await client.frame()
    const message = opcode === 2 ? decode(payload) as { type: string } : null
    if (message !== null && !notices.includes(message.type)) return message
  }
}

/** A window of somebody, at a board, and what it sends. */
async function openBoard (t: Test, browser: Browser, url: string, name: string): Promise<{ page: Page, frames: Array<string | Buffer>, errors: string[] }> {
  const { window, errors } = await openWindow(t, browser, {
    storageState: { cookies: [], origins: [{ origin: new URL(url).origin, localStorage: [{ name: 'name', value: name }] }] }
  })
  const page = await window.newPage()
  const frames: Array<string | Buffer> = []
  page.on('websocket', socket => { socket.on('framesent', ({ payload }) => { frames.push(payload) }) })
  await page.goto(url)
  await page.locator('#connection', { hasText: /^Connected/ }).waitFor()
  return { page, frames, errors }
}

type Place = [x: number, y: number]

/** A line with the mouse, by shares of the board's width. */
async function draw (page: Page, ...[from, to]: [Place, Place]): Promise<void> {
  const box = await page.locator('#canvas').boundingBox()
  if (box === null) throw new Error('there is no canvas')
  const place = ([x, y]: Place): Place => [box.x + x * box.width, box.y + y * box.height]
  await page.mouse.move(...place(from))
  await page.mouse.down()
  await page.mouse.move(...place(to), { steps: 5 })
  await page.mouse.up()
}

/** Settles when there is ink at a place of the board, or none any more. */
async function inked (page: Page, x: number, y: number, isInked = true): Promise<void> {
  await page.waitForFunction(({ x, y, isInked }) => {
    const canvas = document.querySelector('canvas')
    const pixel = canvas?.getContext('2d')?.getImageData(Math.round(x * canvas.width), Math.round(y * canvas.height), 1, 1).data
    return pixel !== undefined && (pixel[3] > 0) === isInked
  }, { x, y, isInked })
}
