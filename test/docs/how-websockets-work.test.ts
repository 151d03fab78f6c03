import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { constants, inflateRawSync } from 'node:zlib'
import t from 'tap'
import { FrameParser } from '../../lib/protocol/frame-parser.ts'
import { acceptValue } from '../../lib/protocol/handshake.ts'
import { MessageAssembler } from '../../lib/protocol/message-assembler.ts'
import { ProtocolError } from '../../lib/protocol/protocol-error.ts'
import { hex } from '../helpers/bytes.ts'
import { packageRoot } from '../helpers/paths.ts'

/* Every byte that the page shows is what the page says of it. */

const page = readFileSync(join(packageRoot, 'docs/how-websockets-work.md'), 'utf8')

const blocksOf = (language: string): string[][] => [...page.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\`$`, 'gm'))].map(([, block]) => block.trimEnd().split('\n'))

/** The bytes of a line, before what is said of them: `61 × 126` stands for so many. */
function bytesOf (line: string): Buffer {
  const [, byte, times] = /^([0-9a-f]{2}) × (\d+)$/.exec(line) ?? []
  if (byte !== undefined) return Buffer.alloc(Number(times), hex(byte))
  const [bytes] = line.split('  ')
  if (!/^[0-9a-f]{2}( [0-9a-f]{2})*$/.test(bytes)) throw new Error(`no bytes: ${line}`)
  return hex(bytes)
}

/** What a receiver makes of them, in the words of the page. */
function received (bytes: Buffer, fromClient: boolean, isCompressed: boolean): string[] {
  const events: string[] = []
  const parser = new FrameParser(new MessageAssembler({
    onText: text => events.push(`text "${text}"`),
    onBinary: payload => events.push(`binary, ${payload.length} bytes`),
    onPing: payload => events.push(`ping "${payload}"`),
    onPong: payload => events.push(`pong "${payload}"`),
    onCloseFrame: (code, reason) => events.push(`close ${code} "${reason}"`)
  }, 1024 * 1024, isCompressed ? { onCompressed: (_code, payload) => events.push(`inflated, text "${inflate(payload)}"`) } : null), fromClient, isCompressed)
  try {
    parser.push(bytes)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    events.push(`${error.closeCode}, ${error.code}`)
  }
  return events
}

/** The sender leaves out the end of the last block (RFC 7692 section 7.2.2). */
function inflate (payload: Buffer): string {
  return inflateRawSync(Buffer.concat([payload, hex('0000ffff')]), { finishFlush: constants.Z_SYNC_FLUSH }).toString()
}

t.test('every frame of the page is read as the page says', async t => {
  const blocks = blocksOf('frame')
  t.ok(blocks.length >= 14)
  for (const [way, ...lines] of blocks) {
    const expected = lines.filter(line => line.startsWith('→ ')).map(line => line.slice(2))
    const bytes = Buffer.concat(lines.filter(line => !line.startsWith('→ ')).map(bytesOf))
    t.match(way, /^(?:↑ client to server|↓ server to client)$/)
    t.same(received(bytes, way.startsWith('↑'), expected[0].startsWith('inflated')), expected, expected.join(', '))
  }
})

t.test('the accept value comes about as the page says', async t => {
  const [steps] = blocksOf('accept').map(lines => lines.map(line => line.split(/ {2,}/)[1]))
  const [key, joined, sha1, accept] = steps
  t.equal(accept, acceptValue(key))
  t.equal(joined, `${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
  t.equal(sha1, Buffer.from(accept, 'base64').toString('hex'))
  const [request, reply] = blocksOf('http').map(lines => lines.join('\n'))
  t.match(request, `Sec-WebSocket-Key: ${key}`)
  t.match(reply, `Sec-WebSocket-Accept: ${accept}`)
})

t.test('its exclusive or is one', async t => {
  const [[wire, key, plain]] = blocksOf('xor').map(lines => lines.map(line => hex(line.split(/ {2,}/)[1])))
  t.same(wire.map((byte, index) => byte ^ key[index]), plain)
  t.equal(plain.toString(), 'Hello')
})
