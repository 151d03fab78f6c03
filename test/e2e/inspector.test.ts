import type { Locator, Page } from 'playwright-core'
import t from 'tap'
import type { Test } from 'tap'
import { readFields } from '../../examples/inspector/frame-fields.ts'
import { FrameReader } from '../../examples/inspector/frame-reader.ts'
import type { SeenFrame } from '../../examples/inspector/frame-reader.ts'
import { HttpHead } from '../../examples/inspector/http-head.ts'
import { Watches } from '../../examples/inspector/watches.ts'
import { launchBrowser, openWindow } from '../helpers/browser.ts'
import { binary, cut, hex, text } from '../helpers/bytes.ts'
import { listenExample } from '../helpers/example.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { suiteNeeding } from '../helpers/requirements.ts'

interface Seen {
  type: string
  connection: number
  way: string
  opcode: string
  lines: string[]
  header: string
  wire: string
  plain: string
  length: string
  problem: { code: string, closeCode: number } | null
}

const maxPayload = 1024
const someone = 'a0'.repeat(16)
const somebodyElse = 'b1'.repeat(16)

/** Name, place and value of each field. */
const fieldsOf = (header: string): string[] => readFields(hex(header)).map(({ name, at, bits, value }) => `${name} ${at}+${bits} = ${value}`)

const flags = ['fin 0+1 = 1', 'rsv1 1+1 = 0', 'rsv2 2+1 = 0', 'rsv3 3+1 = 0']

/** What a reader makes of these bytes, however they are cut. */
function read (t: Test, bytes: Buffer, { masked = true, isCompressed = false } = {}): Array<{ header: string, plain: string, problem: string | null } & Omit<SeenFrame, 'header' | 'plain' | 'problem'>> {
  const [whole, ...others] = [bytes.length, 7, 1].map(size => {
    const frames: SeenFrame[] = []
    const reader = new FrameReader(masked, isCompressed, maxPayload, frame => frames.push(frame))
    for (const chunk of cut(bytes, size)) reader.push(Buffer.from(chunk))
    return frames.map(({ header, plain, problem, ...rest }) => ({ ...rest, header: header.toString('hex'), plain: plain.toString(), problem: problem === null ? null : problem.code }))
  })
  for (const other of others) t.same(other.map(({ wire, ...rest }) => rest), whole.map(({ wire, ...rest }) => rest), 'cut in pieces')
  return whole
}

t.test('fields lie where the figure of the RFC has them', async t => {
  t.same(fieldsOf('8105'), [...flags, 'opcode 4+4 = 1', 'mask 8+1 = 0', 'length 9+7 = 5'])
  t.same(fieldsOf('818537fa213d').slice(5), ['mask 8+1 = 1', 'length 9+7 = 5', 'key 16+32 = 37fa213d'])
  t.same(fieldsOf('827e0100').slice(4), ['opcode 4+4 = 2', 'mask 8+1 = 0', 'length 9+7 = 126', 'length16 16+16 = 256'])
  t.same(fieldsOf('82ff000000000001000011223344').slice(6), ['length 9+7 = 127', 'length64 16+64 = 65536', 'key 80+32 = 11223344'])
  t.same(fieldsOf('7300').slice(0, 5), ['fin 0+1 = 0', 'rsv1 1+1 = 1', 'rsv2 2+1 = 1', 'rsv3 3+1 = 1', 'opcode 4+4 = 3'])
  t.same(fieldsOf('827fffffffffffffffff').at(-1), 'length64 16+64 = 18446744073709551615')
})

t.test("the RFC's own frames are read, in any pieces", async t => {
  t.match(read(t, hex('818537fa213d7f9f4d5158')), [{ header: '818537fa213d', wire: hex('7f9f4d5158'), plain: 'Hello', length: 5n, problem: null }])
  t.match(read(t, hex('010348656c 80026c6f'), { masked: false }), [{ header: '0103', plain: 'Hel' }, { header: '8002', plain: 'lo' }])
  t.match(read(t, hex('890548656c6c6f 8100'), { masked: false }), [{ header: '8905', plain: 'Hello' }, { header: '8100', plain: '' }])
})

t.test('of a long payload the first 256 bytes are kept', async t => {
  const payload = 'abcd'.repeat(250)
  const [frame] = read(t, text(payload))
  t.equal(frame.plain, payload.slice(0, 256))
  t.equal(frame.wire.length, 256)
  t.equal(frame.length, 1000n)
})

t.test('what breaks a rule is shown with the rule, and nothing behind it', async t => {
  const behind = text('not read')
  t.match(read(t, Buffer.concat([text('Hello', { mask: false }), behind])), [{ header: '8105', plain: '', problem: 'FST_ERR_WS_UNMASKED' }])
  t.match(read(t, Buffer.concat([text('Hello', { rsv: 2 }), behind])), [{ problem: 'FST_ERR_WS_RESERVED_BITS' }])
  t.match(read(t, Buffer.concat([text(hex('c328')), behind])), [{ problem: 'FST_ERR_WS_INVALID_UTF8' }])
  t.match(read(t, binary('', { length: maxPayload + 1 })), [{ length: BigInt(maxPayload + 1), problem: 'FST_ERR_WS_MESSAGE_TOO_BIG' }])
  t.match(read(t, text('Hello'), { masked: false }), [{ problem: 'FST_ERR_WS_MASKED' }])
})

t.test('a compressed message is inflated, where compression was agreed on', async t => {
  // RFC 7692 section 7.2.3.1 and, in two frames, 7.2.3.
  const hello = { bytes: Buffer.from('Hello'), length: 5 }
  t.match(read(t, hex('c107f248cdc9c90700'), { masked: false, isCompressed: true }), [{ inflated: hello, problem: null }])
  t.match(read(t, hex('4103f248cd 8004c9c90700'), { masked: false, isCompressed: true }), [{ inflated: null }, { inflated: hello }])
  t.match(read(t, hex('c107f248cdc9c90700'), { masked: false }), [{ inflated: null, problem: 'FST_ERR_WS_RESERVED_BITS' }])
  t.match(read(t, hex('c103ffffff'), { masked: false, isCompressed: true }), [{ inflated: null, problem: null }])
})

t.test('the head of a request ends with its empty line; who is logged in stays unknown', async t => {
  const heads: string[][] = []
  const head = new HttpHead(lines => heads.push(lines))
  t.same(head.push(Buffer.from('GET / HTTP/1.1\r\nCookie: session=1\r')), Buffer.alloc(0))
  t.same(head.push(Buffer.from('\n\r\n\x81\x80')), Buffer.from('\x81\x80'))
  t.same(head.push(Buffer.from('more')), Buffer.from('more'))
  t.same(heads, [['GET / HTTP/1.1', 'Cookie: (left out by the inspector)']])
})

t.test('a page that does not keep up is told how much it missed', async t => {
  const told: object[] = []
  const listener = { writable: true, send: (observation: object) => { told.push(observation) } }
  const watches = new Watches()
  const watch = watches.open(someone, listener)
  const end = { type: 'end', connection: 1, at: 0, isReset: false } as const
  listener.writable = false
  watch.tell(end)
  watch.tell(end)
  listener.writable = true
  watch.tell(end)
  t.same(told, [{ type: 'skipped', count: 2 }, end])

  const successor = watches.open(someone, listener)
  watches.close(someone, watch)
  t.equal(watches.of(someone), successor, 'who came later stays')
})

t.test('a page sees its own connection, and nobody else does', async t => {
  const { port } = await listenExample(t, 'inspector')
  const observers = await Promise.all([someone, somebodyElse].map(page => open(t, port, `/observer?page=${page}`)))
  const client = await open(t, port, `/inspected?page=${someone}&client=browser`, { Cookie: 'session=secret' })
  client.write(text('Hello', { mask: hex('37fa213d') }))
  const [request, response, sent, echo] = [await see(observers[0]), await see(observers[0]), await see(observers[0]), await see(observers[0])]
  t.match(request, { type: 'request', connection: 1 })
  t.notMatch(request.lines.join(), 'secret')
  t.equal(response.lines[0], 'HTTP/1.1 101 Switching Protocols')
  t.match(sent, { way: 'in', opcode: 'text', header: '818537fa213d', wire: '7f9f4d5158', plain: '48656c6c6f', problem: null })
  t.match(echo, { way: 'out', header: '8105', wire: '48656c6c6f', plain: '48656c6c6f' })

  // The first thing that the other one sees is its own.
  observers[1].send({ type: 'experiment', name: 'unmasked' })
  t.match(await see(observers[1]), { type: 'request', connection: 1, client: 'raw' })
})

t.test('frames in the segment of the request are seen as they came', async t => {
  const { port } = await listenExample(t, 'inspector')
  const observer = await open(t, port, `/observer?page=${someone}`)
  const client = await RawClient.connect(port)
  t.after(() => client.socket.destroy())
  client.request(`/inspected?page=${someone}&client=raw`, { head: text('Hello', { mask: hex('37fa213d') }) })
  t.same([(await see(observer)).type, (await see(observer)).type], ['request', 'response'])
  t.match(await see(observer), { way: 'in', header: '818537fa213d', wire: '7f9f4d5158', plain: '48656c6c6f' })
})

t.test('of one page, four connections are watched at once', async t => {
  const watch = new Watches().open(someone, { writable: true, send () {} })
  t.same([1, 2, 3, 4, 5].map(() => watch.begin()), [1, 2, 3, 4, null])
  watch.end()
  t.equal(watch.begin(), 5)
})

t.test('no browser can send it: by hand, each breach is closed with its code', async t => {
  const { port } = await listenExample(t, 'inspector')
  const observer = await open(t, port, `/observer?page=${someone}`)
  const codes: Record<string, number> = {
    fragments: 1000,
    unmasked: 1002,
    'reserved-bit': 1002,
    'reserved-opcode': 1002,
    'long-ping': 1002,
    'fragmented-ping': 1002,
    continuation: 1002,
    'long-length': 1002,
    utf8: 1007,
    'close-code': 1002,
    'too-big': 1009
  }
  for (const [name, code] of Object.entries(codes)) {
    observer.send({ type: 'experiment', name })
    const seen: Seen[] = []
    do seen.push(await see(observer)); while (seen.at(-1)?.type !== 'end')
    const close = seen.find(({ way, opcode }) => way === 'out' && opcode === 'close')
    t.equal(Number.parseInt(String(close?.plain.slice(0, 4)), 16), code, name)
    t.same(seen.flatMap(({ problem }) => problem?.closeCode ?? []), code === 1000 ? [] : [code], `${name} is shown as what it is`)
  }
})

t.test('the server computes the accept value of any key', async t => {
  const { url } = await listenExample(t, 'inspector')
  const steps = await (await fetch(`${url}/accept?key=${encodeURIComponent('dGhlIHNhbXBsZSBub25jZQ==')}`)).json()
  // RFC 6455 section 1.3.
  t.match(steps, { sha1: 'b37a4f2cc0624f1690f64606cf385945b2bec4ea', accept: 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=' })
  t.equal((await fetch(`${url}/accept?key=${'a'.repeat(201)}`)).status, 400)
})

suiteNeeding(['chromium'], 'the inspector in a browser', async (t, { chromium }) => {
  const { url } = await listenExample(t, 'inspector')
  const { window, errors } = await openWindow(t, await launchBrowser(t, chromium))
  const page = await window.newPage()
  await page.goto(url)
  await page.locator('#state', { hasText: 'Connected' }).waitFor()

  // The handshake.
  const key = await page.locator('[data-header="sec-websocket-key"] dd').first().textContent()
  t.match(key, /^[A-Za-z0-9+/]{22}==$/)
  await shows(page.locator('#joined'), `${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
  await shows(page.locator('#accept'), String(await page.locator('[data-header="sec-websocket-accept"] dd').first().textContent()))
  await page.locator('#key').fill('dGhlIHNhbXBsZSBub25jZQ==')
  await shows(page.locator('#accept'), 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=')

  // A text, masked; its echo, not masked.
  await page.locator('#text').fill('Hi <b>ß')
  await page.locator('#frame-title', { hasText: '↑ Text frame' }).waitFor()
  t.match(await figureOf(page), { fin: '1', rsv1: '0', rsv2: '0', rsv3: '0', opcode: '1 text', mask: '1', length: '8' })
  t.same(await page.locator('.payload .plain').allTextContents(), ['= 48 H', '= 69 i', '= 20 ␣', '= 3c <', '= 62 b', '= 3e >', '= c3 ß1/2', '= 9f ß2/2'])
  await page.locator('.cell.payload').nth(1).hover()
  await page.locator('.explanation', { hasText: 'Masked with byte 1 mod 4 = 1 of the key. In UTF-8: “i” (U+0069).' }).waitFor()
  await page.locator('#log [data-way="out"][data-kind="text"]').click()
  await page.locator('#frame-title', { hasText: '↓ Text frame' }).waitFor()
  const echo = await figureOf(page)
  t.match(echo, { mask: '0', length: '8' })
  t.notOk('key' in echo)

  // Lengths.
  await page.locator('[data-send="length:126"]').click()
  await page.locator('.cell.length16').waitFor()
  t.match(await figureOf(page), { length: '126 → 16 bits', length16: '126' })
  await page.locator('[data-send="length:65536"]').click()
  await page.locator('.cell.length64').first().waitFor()
  t.match(await figureOf(page), { length: '127 → 64 bits', length64: '65,536' })

  // What the server does.
  await page.locator('#ping').click()
  await page.locator('#log [data-kind="pong"][data-way="in"]').waitFor()
  await page.locator('#fragments').click()
  await page.locator('#frame-title', { hasText: 'the first fragment' }).waitFor()
  t.match(await figureOf(page), { fin: '0', opcode: '1 text' })

  // What breaks a rule.
  await page.locator('#name').selectOption('reserved-bit')
  await page.locator('#run').click()
  await page.locator('.note.broken', { hasText: 'a reserved bit is set. The server closes with 1002' }).waitFor()
  t.match(await figureOf(page), { rsv2: '1' })

  // The end, and again.
  await page.locator('#code').fill('4000')
  await page.locator('#reason').fill('seen enough')
  await page.locator('#close button[value="browser"]').click()
  await page.locator('.note', { hasText: 'Close code 4000 (of the application), reason “seen enough”' }).waitFor()
  await page.locator('#state', { hasText: 'Closed with 4000' }).waitFor()
  await page.locator('#reconnect').click()
  await page.locator('#state', { hasText: 'Connected' }).waitFor()

  // Compressed.
  await page.locator('#compressed').check()
  await page.locator('.head', { hasText: 'HTTP/1.1 101' }).filter({ hasText: 'Sec-WebSocket-Extensions' }).waitFor()
  await page.locator('#state', { hasText: 'Connected' }).waitFor()
  await page.locator('#text').fill('again and again and again')
  await page.locator('.note', { hasText: /Compressed. The \d+ bytes of payload are inflated to 25: “again and again and again”/ }).waitFor()
  t.match(await figureOf(page), { rsv1: '1', opcode: '1 text' })
  t.same(errors, [])
})

/** The fields that the figure shows, by name: the last line of each, or its bit. */
async function figureOf (page: Page): Promise<Record<string, string>> {
  const entries = await page.locator('.cell.field').evaluateAll(cells => cells.map(cell => {
    const { field = '' } = (cell as HTMLElement).dataset
    return [field, (cell.querySelector('.value') ?? cell.querySelector('.bits'))?.textContent ?? '']
  }))
  return Object.fromEntries(entries)
}

async function shows (found: Locator, text: string): Promise<void> {
  await found.filter({ hasText: text }).waitFor()
}

async function see (observer: RawClient): Promise<Seen> {
  return await observer.message<Seen>()
}

/** A WebSocket, dropped with the test. */
async function open (t: Test, port: number, path: string, headers: Record<string, string> = {}): Promise<RawClient> {
  const client = await RawClient.open(port, path, { headers })
  t.after(() => client.socket.destroy())
  return client
}
