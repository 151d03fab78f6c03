import { createHash, randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate, setTimeout as delay } from 'node:timers/promises'
import { decode, encode } from '@msgpack/msgpack'
import t from 'tap'
import type { Test } from 'tap'
import type { Page } from 'playwright-core'
import { launchBrowser, openWindow } from '../helpers/browser.ts'
import { binary } from '../helpers/bytes.ts'
import { buildExample, listenExample } from '../helpers/example.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { suiteNeeding } from '../helpers/requirements.ts'

interface Answer { type: string, id?: number, upload: string, received: number, sha256: string, code: string, message: string }

const sha256 = (data: Buffer) => createHash('sha256').update(data).digest('hex')

/** One end of an upload, without the page. */
class Client {
  readonly raw: RawClient
  #next = 1

  private constructor (raw: RawClient) {
    this.raw = raw
  }

  static async open (t: Test, port: number): Promise<Client> {
    const raw = await RawClient.open(port, '/upload', { headers: { 'Sec-WebSocket-Protocol': 'msgpack' } })
    t.after(() => raw.socket.destroy())
    return new Client(raw)
  }

  /** Sends a message, and gives its answer, which is the next. */
  async request (message: object): Promise<Answer> {
    const id = this.#next++
    this.send({ ...message, id })
    const answer = await this.answer()
    t.equal(answer.id, id)
    return answer
  }

  send (message: object): void {
    this.raw.write(binary(Buffer.from(encode(message))))
  }

  async answer (): Promise<Answer> {
    for (;;) {
      const { opcode, payload } = await this.raw.frame()
      t.equal(opcode, 2)
      const message = decode(payload) as Answer
      if (message.type !== 'heartbeat') return message
    }
  }

  async begin (size: number, name = 'a.bin'): Promise<string> {
    const { upload, received } = await this.request({ type: 'begin', name, size })
    t.equal(received, 0)
    return upload
  }

  async chunk (upload: string, offset: number, data: Uint8Array): Promise<Answer> {
    return await this.request({ type: 'chunk', upload, offset, data })
  }
}

t.test('chunks are answered by what is on the disk, and the end by its SHA-256', async t => {
  const { port } = await listenExample(t, 'upload')
  const client = await Client.open(t, port)
  const data = randomBytes(100_000)
  const upload = await client.begin(data.length)
  t.match(await client.chunk(upload, 0, data.subarray(0, 65_536)), { type: 'stored', received: 65_536 })
  t.match(await client.request({ type: 'finish', upload }), { type: 'error', code: 'UPLOAD_INCOMPLETE' })
  t.match(await client.chunk(upload, 65_536, data.subarray(65_536)), { type: 'stored', received: 100_000 })
  t.match(await client.request({ type: 'finish', upload }), { type: 'finished', size: 100_000, sha256: sha256(data) })
  t.match(await client.request({ type: 'finish', upload }), { sha256: sha256(data) }, 'an answer that was lost is asked for again')
  const empty = await client.begin(0)
  t.match(await client.request({ type: 'finish', upload: empty }), { sha256: sha256(Buffer.alloc(0)) })
})

t.test('what overlaps, leaves a gap, is too much or no bytes is refused, and the file is none the worse', async t => {
  const { app, port } = await listenExample(t, 'upload')
  const client = await Client.open(t, port)
  const data = randomBytes(3000)
  const upload = await client.begin(data.length)
  await client.chunk(upload, 0, data.subarray(0, 1000))
  t.match(await client.chunk(upload, 0, randomBytes(1000)), { code: 'UPLOAD_OFFSET', message: 'the next byte is that at 1000' })
  t.match(await client.chunk(upload, 999, randomBytes(10)), { code: 'UPLOAD_OFFSET' })
  t.match(await client.chunk(upload, 1001, randomBytes(10)), { code: 'UPLOAD_OFFSET' })
  t.match(await client.chunk(upload, -1, randomBytes(10)), { code: 'FST_ERR_WS_INVALID_MESSAGE' })
  t.match(await client.chunk(upload, 1000, randomBytes(2001)), { code: 'UPLOAD_CHUNK' })
  t.match(await client.chunk(upload, 1000, randomBytes(65_537)), { code: 'UPLOAD_CHUNK' })
  t.match(await client.chunk(upload, 1000, new Uint8Array()), { code: 'UPLOAD_CHUNK' })
  t.match(await client.request({ type: 'chunk', upload, offset: 1000, data: 'text' }), { code: 'UPLOAD_NOT_BYTES' })
  t.match(await client.request({ type: 'begin', name: 'a', size: 100 * 1024 * 1024 + 1 }), { code: 'FST_ERR_WS_INVALID_MESSAGE' })
  await client.chunk(upload, 1000, data.subarray(1000))
  t.match(await client.request({ type: 'finish', upload }), { sha256: sha256(data) })
  t.match(await client.chunk(upload, 3000, randomBytes(1)), { code: 'UPLOAD_OVER' })

  const json = await app.injectWS('/upload')
  json.send({ type: 'chunk', upload, offset: 0, data: [1, 2], id: 1 })
  let refusal = await json.receive<Answer>()
  while (refusal.id !== 1) refusal = await json.receive<Answer>()
  t.match(refusal, { type: 'error', code: 'UPLOAD_NOT_BYTES' })
  client.send({ type: 'chunk', upload, offset: 0, data: randomBytes(70_000) })
  const { opcode, payload } = await client.raw.frame()
  t.equal(opcode, 8)
  t.equal(payload.readUInt16BE(0), 1009)
})

t.test('an upload belongs to the connection that took it last', async t => {
  const { port } = await listenExample(t, 'upload')
  const [first, second] = [await Client.open(t, port), await Client.open(t, port)]
  const data = randomBytes(2000)
  const upload = await first.begin(data.length)
  await first.chunk(upload, 0, data.subarray(0, 1000))
  t.match(await second.chunk(upload, 1000, randomBytes(10)), { code: 'UPLOAD_TAKEN_OVER' }, 'knowing it is not having it')
  t.match(await second.request({ type: 'resume', upload }), { type: 'ready', received: 1000 })
  t.match(await first.chunk(upload, 1000, randomBytes(10)), { code: 'UPLOAD_TAKEN_OVER' })
  t.match(await first.request({ type: 'finish', upload }), { code: 'UPLOAD_TAKEN_OVER' })
  await second.chunk(upload, 1000, data.subarray(1000))
  t.match(await second.request({ type: 'finish', upload }), { sha256: sha256(data) })
})

t.test('who resumes is told what is on the disk once nothing of the lost connection is being written', async t => {
  const { app, port } = await listenExample(t, 'upload')
  const lost = await Client.open(t, port)
  const [connection] = app.wsConnections
  const data = randomBytes(20_000)
  const upload = await lost.begin(data.length)
  lost.send({ type: 'disk', bytesPerSecond: 50_000 })
  lost.send({ type: 'chunk', upload, offset: 0, data: data.subarray(0, 15_000) })
  // It is being written: nothing else is before it.
  while (connection.traffic.received.messages < 3) await setImmediate()
  lost.raw.socket.destroy()
  const next = await Client.open(t, port)
  t.match(await next.request({ type: 'resume', upload }), { type: 'ready', received: 15_000 })
  await next.chunk(upload, 15_000, data.subarray(15_000))
  t.match(await next.request({ type: 'finish', upload }), { sha256: sha256(data) })
})

t.test('a client without a window is not read while the disk is busy', async t => {
  const { app, port } = await listenExample(t, 'upload')
  const client = await Client.open(t, port)
  const [connection] = app.wsConnections
  const data = randomBytes(65_536)
  const upload = await client.begin(64 * data.length)
  client.send({ type: 'disk', bytesPerSecond: 4 * data.length })
  for (let index = 0; index < 64; index++) client.send({ type: 'chunk', upload, offset: index * data.length, data })
  t.match(await client.answer(), { type: 'stored', received: data.length })
  const { messages } = connection.traffic.received
  t.ok(messages < 12, `${messages} messages were read`)
  t.ok(app.wsStats().memory.peak < 8 * data.length, `${app.wsStats().memory.peak} bytes were held`)
})

t.test('names are no paths, and nothing is left of what was cancelled, or of the server', async t => {
  // Apart from the folders of other test files, which run this server at the same time.
  const place = t.testdir()
  const { TMPDIR = tmpdir() } = process.env
  process.env.TMPDIR = place
  const { app, port } = await listenExample(t, 'upload')
  process.env.TMPDIR = TMPDIR
  const folder = join(place, ...readdirSync(place))
  const files = () => readdirSync(folder)
  const client = await Client.open(t, port)
  const upload = await client.begin(10, '../../../etc/passwd')
  await client.chunk(upload, 0, randomBytes(10))
  t.match(files(), [/^[0-9a-f-]{36}$/])
  t.equal((await stat(join(folder, files()[0]))).mode & 0o777, 0o600)
  t.match(await client.request({ type: 'cancel', upload }), { type: 'cancelled' })
  t.same(files(), [])
  t.match(await client.request({ type: 'resume', upload }), { code: 'UPLOAD_UNKNOWN' })
  t.match(await client.request({ type: 'resume', upload: '../../../../../../../../../etc/passwd' }), { code: 'FST_ERR_WS_INVALID_MESSAGE' })
  await client.begin(10)
  client.raw.socket.destroy()
  await app.close()
  t.same(readdirSync(place), [])
})

t.test('files are bounded in number', async t => {
  const app = await buildExample(t, 'upload', {}, { atMost: 2, keepFor: 60_000 })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const client = await Client.open(t, Number(new URL(url).port))
  const empty = await client.begin(0)
  await client.request({ type: 'finish', upload: empty })
  await client.begin(10)
  await client.begin(10)
  t.match(await client.request({ type: 'resume', upload: empty }), { code: 'UPLOAD_UNKNOWN' }, 'what is complete makes room')
  t.match(await client.request({ type: 'begin', name: 'b', size: 10 }), { code: 'UPLOAD_TOO_MANY' })
})

t.test('files are bounded in time', async t => {
  const app = await buildExample(t, 'upload', {}, { atMost: 1, keepFor: 400 })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const client = await Client.open(t, Number(new URL(url).port))
  const kept = await client.begin(10)
  while ((await client.request({ type: 'begin', name: 'b', size: 10 })).type === 'error') await delay(20)
  t.match(await client.request({ type: 'resume', upload: kept }), { code: 'UPLOAD_UNKNOWN' })
})

t.test('uploads whose clients are gone make room for others, the oldest first; those of clients that are there do not', async t => {
  const app = await buildExample(t, 'upload', {}, { atMost: 2, keepFor: 60_000 })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const open = (): Promise<Client> => Client.open(t, Number(new URL(url).port))
  const [gone, there] = [await open(), await open()]
  const [first, second] = [await gone.begin(10), await gone.begin(10)]
  t.match(await there.request({ type: 'begin', name: 'b', size: 10 }), { code: 'UPLOAD_TOO_MANY' })
  gone.send({ type: 'drop' })
  while (app.wsConnections.size > 1) await delay(5)
  await there.begin(10)
  t.match(await there.request({ type: 'resume', upload: first }), { code: 'UPLOAD_UNKNOWN' })
  t.match(await there.request({ type: 'resume', upload: second }), { type: 'ready', received: 0 }, 'is there, and has come back')
  t.match(await there.request({ type: 'begin', name: 'c', size: 10 }), { code: 'UPLOAD_TOO_MANY' })
})

suiteNeeding(['chromium'], 'an upload in a browser', async (t, { chromium }) => {
  const browser = await launchBrowser(t, chromium)
  const data = randomBytes(2 * 1024 * 1024)
  const file = { name: '<b>notes</b>.bin', mimeType: 'application/octet-stream', buffer: data }

  t.test('goes on where it was when its connection was lost, and is what was sent', async t => {
    const { app, url } = await listenExample(t, 'upload')
    const { window, errors } = await openWindow(t, browser)
    const page = await window.newPage()
    const offsets: number[] = []
    let sockets = 0
    page.on('websocket', socket => {
      sockets++
      socket.on('framesent', ({ payload }) => {
        const message = decode(payload as Buffer) as { type: string, offset: number, data: Uint8Array }
        if (message.type !== 'chunk') return
        t.ok(message.data instanceof Uint8Array && message.data.length <= 65_536)
        offsets.push(message.offset)
      })
    })
    await page.goto(url)
    await page.locator('#connection', { hasText: 'Connected, speaking msgpack' }).waitFor()
    await page.locator('#disk').fill('1')
    await page.locator('#file').setInputFiles(file)
    await page.locator('#name', { hasText: '<b>notes</b>.bin' }).waitFor()
    await progress(page, 10)
    t.ok(Number((await page.locator('#chunks').textContent())?.split(' ')[0]) <= 4)

    await page.locator('#pause').click()
    await page.locator('#share', { hasText: 'Paused' }).waitFor()
    await page.locator('#chunks', { hasText: '0 of 4' }).waitFor()
    const paused = offsets.length
    // A busy machine may have come far before it was seen to be paused.
    const share = Math.round(100 * paused / 32)
    await page.locator('#pause').click()
    await page.waitForFunction(() => !document.querySelector('#share')?.textContent?.startsWith('Paused'))
    await progress(page, Math.min(100, share + 10))
    t.ok(offsets.length > paused)

    for (const connection of app.wsConnections) connection.terminate()
    await page.locator('#lost', { hasText: '1' }).waitFor()
    await page.locator('#connection', { hasText: 'Connected' }).waitFor()
    await page.locator('#disk').fill('6')
    await page.locator('#files li', { hasText: 'the same here and there' }).waitFor()
    t.equal(await page.locator('#files code').textContent(), sha256(data))
    t.equal(await page.locator('#files strong').textContent(), file.name)
    t.equal(sockets, 2)
    t.ok(offsets.length <= 32 + 4, 'what was on the disk was not sent again')
    t.same([...new Set(offsets)].sort((a, b) => a - b), Array.from({ length: 32 }, (_, index) => index * 65_536))
    t.same(errors, [])
  })

  t.test('can be cancelled, and done again', async t => {
    const { url } = await listenExample(t, 'upload')
    const { window, errors } = await openWindow(t, browser)
    const page = await window.newPage()
    await page.goto(url)
    await page.locator('#connection', { hasText: 'Connected' }).waitFor()
    await page.locator('#disk').fill('1')
    await page.locator('#file').setInputFiles(file)
    await progress(page, 3)
    await page.locator('#cancel').click()
    await page.locator('#outcome', { hasText: 'was cancelled' }).waitFor()
    await page.locator('#disk').fill('6')
    await page.locator('#file').setInputFiles({ ...file, name: 'again.bin' })
    await page.locator('#files li', { hasText: 'again.bin' }).waitFor()
    t.equal(await page.locator('#outcome').isVisible(), false)
    t.same(errors, [])
  })
})

/** Settles when so many per cent are on the disk. */
async function progress (page: Page, share: number): Promise<void> {
  await page.waitForFunction(share => Number(document.querySelector('#bar')?.getAttribute('aria-valuenow')) >= share, share)
}
