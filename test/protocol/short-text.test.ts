import t from 'tap'
import { FrameParser } from '../../lib/protocol/frame-parser.ts'
import type { FrameSink } from '../../lib/protocol/frame-parser.ts'
import { MessageAssembler } from '../../lib/protocol/message-assembler.ts'
import { binary, continuation, cut, hex, ping, text } from '../helpers/bytes.ts'
import { deflated } from '../helpers/deflate.ts'
import { MessageRecorder } from '../helpers/sinks.ts'
import type { SeenEvent } from '../helpers/sinks.ts'

/** Says which way frames are handed over. */
class Ways implements FrameSink {
  readonly seen: string[] = []
  onHeader (): void {}
  onPart (): void {}
  onShortText (bytes: Buffer, start: number, end: number, isAscii: boolean): void {
    this.seen.push(`short ${isAscii ? 'ASCII' : 'other'}: ${bytes.toString('utf8', start, end)}`)
  }

  onFrame (code: number, fin: boolean, payload: Buffer): void {
    this.seen.push(`frame ${code}${fin ? '' : ' and more'}: ${payload.toString()}`)
  }
}

function waysOf (pieces: readonly Buffer[], masked = true, allowsRsv1 = false): string[] {
  const sink = new Ways()
  const parser = new FrameParser(sink, masked, allowsRsv1)
  for (const piece of pieces) parser.push(Buffer.from(piece))
  return sink.seen
}

/** The messages of pieces, as a connection has them. */
function messagesOf (pieces: readonly Buffer[], hasAgreed = false): SeenEvent[] {
  const sink = new MessageRecorder()
  const parser = new FrameParser(new MessageAssembler(sink, 10_000, hasAgreed ? sink : null), true, hasAgreed)
  for (const piece of pieces) parser.push(Buffer.from(piece))
  return sink.events
}

/** All at once, byte by byte, in pieces of some sizes, and in two cut anywhere. */
function chunkings (bytes: Buffer): Buffer[][] {
  const inTwo = Array.from({ length: bytes.length - 1 }, (_, index) => [bytes.subarray(0, index + 1), bytes.subarray(index + 1)])
  return [[bytes], ...[1, 2, 3, 5, 7, 64].map(size => cut(bytes, size)), ...inTwo]
}

const lengths = [0, 1, 2, 3, 4, 125, 126, 127, 255, 256]

/** Texts of so many bytes: of ASCII alone, and with others at the start, in the middle, and at the end. */
function textsOf (bytes: number): string[] {
  const texts = ['a'.repeat(bytes)]
  for (const letter of ['é', '€', '😀']) {
    const rest = bytes - Buffer.byteLength(letter)
    if (rest < 0) continue
    const half = rest >> 1
    texts.push(letter + 'a'.repeat(rest), 'a'.repeat(half) + letter + 'a'.repeat(rest - half), 'a'.repeat(rest) + letter)
  }
  return texts
}

for (const length of lengths) {
  t.test(`texts of ${length} bytes are the same messages however they are cut, alone and among others`, async t => {
    for (const payload of textsOf(length)) {
      for (const pieces of chunkings(text(payload))) {
        if (JSON.stringify(messagesOf(pieces)) !== JSON.stringify([{ text: payload }])) t.fail(`${payload} in ${pieces.length} pieces`)
      }
      const among = Buffer.concat([text('first'), text(payload), binary('b'), text(payload), ping(), text('é')])
      const expected = [{ text: 'first' }, { text: payload }, { binary: '62' }, { text: payload }, { ping: '' }, { text: 'é' }]
      for (const size of [1, 3, 11, among.length]) t.same(messagesOf(cut(among, size)), expected)
    }
  })
}

t.test('a whole text of less than 256 bytes is handed over where it lies, and said to be ASCII or not', async t => {
  for (const length of lengths) {
    for (const payload of textsOf(length)) {
      const way = length >= 256 ? 'frame 1' : payload.startsWith('a'.repeat(length)) ? 'short ASCII' : 'short other'
      t.same(waysOf([text(payload)]), [`${way}: ${payload}`])
    }
  }
})

t.test('of what comes in pieces only a text that lies whole behind the end of its header is', async t => {
  const bytes = text('Hello')
  for (let at = 1; at < bytes.length; at++) {
    const isWhole = at < 6
    t.same(waysOf([bytes.subarray(0, at), bytes.subarray(at)]), [`${isWhole ? 'short ASCII' : 'frame 1'}: Hello`], `cut at ${at}`)
  }
})

t.test('fragments, bytes, what is compressed, and what a server sends are frames as ever', async t => {
  const fragments = Buffer.concat([text('a', { fin: false }), continuation('b', { fin: false }), continuation('c')])
  t.same(waysOf([fragments]), ['frame 1 and more: a', 'frame 0 and more: b', 'frame 0: c'])
  t.same(waysOf([binary('a')]), ['frame 2: a'])
  t.same(waysOf([text('a', { rsv: 4 })], true, true), ['frame 1: a'])
  t.same(waysOf([text('a', { mask: false })], false), ['frame 1: a'])
})

t.test('fragments and compressed messages between short texts are messages of their own', async t => {
  const packed = deflated('a')
  const bytes = Buffer.concat([
    text('x'), text('é', { fin: false }), continuation('b'), text('y'), text(packed, { rsv: 4 }), text('z'),
    text(packed.subarray(0, 1), { rsv: 4, fin: false }), continuation(packed.subarray(1)), text('é')
  ])
  const compressed = { compressed: packed.toString('hex'), code: 1 }
  for (const size of [1, 2, 9, bytes.length]) {
    t.same(messagesOf(cut(bytes, size), true), [{ text: 'x' }, { text: 'éb' }, { text: 'y' }, compressed, { text: 'z' }, compressed, { text: 'é' }])
  }
})

t.test('a short text that is not UTF-8 is refused with 1007, wherever it is wrong', async t => {
  const invalid = ['80', 'ff', 'c3', 'c3 28', 'e2 82', 'ed a0 80', 'f0 9f 98', 'c0 80', 'f4 90 80 80']
  for (const bytes of invalid.map(hex)) {
    for (const payload of [bytes, Buffer.concat([Buffer.alloc(60, 'a'), bytes]), Buffer.concat([bytes, Buffer.alloc(61, 'a')]), Buffer.concat([Buffer.from('€'), bytes])]) {
      for (const pieces of [[text(payload)], cut(text(payload), 1), [Buffer.concat([text('é'), text(payload)])]]) {
        t.throws(() => messagesOf(pieces), { name: 'ProtocolError', code: 'FST_ERR_WS_INVALID_UTF8', closeCode: 1007 }, payload.toString('hex'))
      }
    }
  }
})

t.test('a text inside of a fragmented message is refused, and not handed over', async t => {
  for (const inside of ['', 'Hello', 'é']) {
    const bytes = Buffer.concat([text('a', { fin: false }), text(inside), continuation('b')])
    for (const pieces of [[bytes], cut(bytes, 1)]) {
      const sink = new MessageRecorder()
      const parser = new FrameParser(new MessageAssembler(sink, 10_000), true)
      t.throws(() => { for (const piece of pieces) parser.push(Buffer.from(piece)) }, { code: 'FST_ERR_WS_EXPECTED_CONTINUATION', closeCode: 1002 })
      t.same(sink.events, [])
    }
  }
})

t.test('a short text that is longer than a message may be is refused before it is looked at', async t => {
  const sink = new MessageRecorder()
  const parser = new FrameParser(new MessageAssembler(sink, 4), true)
  t.throws(() => parser.push(Buffer.concat([text('1234'), text('12345')])), { code: 'FST_ERR_WS_MESSAGE_TOO_BIG', closeCode: 1009 })
  t.same(sink.events, [{ text: '1234' }])
})

t.test('paused by a short text, the parser keeps those behind it, and stopped by one it forgets them', async t => {
  for (const what of ['pause', 'stop'] as const) {
    const sink = new Ways()
    const parser = new FrameParser(sink, true)
    sink.onShortText = () => { sink.seen.push('one'); parser[what]() }
    parser.push(Buffer.concat([text('a'), text('b')]))
    t.same(sink.seen, ['one'])
    parser.resume()
    t.equal(sink.seen.length, what === 'pause' ? 2 : 1)
  }
})
