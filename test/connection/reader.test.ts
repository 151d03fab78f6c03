import { randomBytes } from 'node:crypto'
import t from 'tap'
import { Inflater } from '../../lib/connection/inflater.ts'
import { Reader } from '../../lib/connection/reader.ts'
import type { ReaderOwner } from '../../lib/connection/reader.ts'
import type { Transport } from '../../lib/connection/transport.ts'
import { ProtocolError } from '../../lib/protocol/protocol-error.ts'
import type { Payload } from '../../types/codec.ts'
import { deferred } from '../helpers/app.ts'
import { binary, close, continuation, cut, hex, ping, pong, text } from '../helpers/bytes.ts'
import { deflated, DeflatingPeer } from '../helpers/deflate.ts'

/** An owner, and a transport, that keep what they are told. */
class Owner implements ReaderOwner, Transport {
  readonly reader: Reader
  readonly events: string[] = []
  readonly messages: Payload[] = []
  readonly bufferedAmount = 0
  readonly readAhead = 0
  readonly hasTakenAll = false
  readonly isStuck = false
  isPaused = false
  /** Called with each message. */
  onEach: (message: Payload) => void = () => {}
  #inflated = deferred()

  constructor ({ compresses = true, takeover = false, maxPayload = 1024 * 1024 } = {}) {
    const parameters = { serverNoContextTakeover: true, clientNoContextTakeover: !takeover, serverMaxWindowBits: 15, clientMaxWindowBits: 15 }
    this.reader = new Reader(this, this, maxPayload, compresses ? { inflater: () => new Inflater(parameters, maxPayload) } : null)
  }

  push (...frames: Buffer[]): this {
    this.reader.push(Buffer.concat(frames))
    return this
  }

  /** Settles when the message that is being inflated has been. */
  async inflated (): Promise<void> {
    await this.#inflated.promise
  }

  onMessage (payload: Payload): void {
    this.messages.push(payload)
    this.events.push(payload.length > 100 ? `${payload.length} ${typeof payload === 'string' ? 'characters' : 'bytes'}` : String(payload))
    this.onEach(payload)
  }

  onPing (payload: Buffer): void { this.events.push(`ping ${String(payload)}`) }
  onPong (payload: Buffer): void { this.events.push(`pong ${String(payload)}`) }
  onCloseFrame (code: number): void { this.events.push(`close ${code}`) }
  onViolation (error: unknown): void { this.events.push(error instanceof ProtocolError ? error.code : String(error)) }

  onWaited (): void {
    this.#inflated.resolve()
    this.#inflated = deferred()
  }

  pause (): void { this.isPaused = true }
  resume (): void { this.isPaused = false }
  attach (): void {}
  write (): void {}
  afterWrites (): void {}
  cork (): void {}
  uncork (): void {}
  end (): void {}
  destroy (): void {}
}

const compressed = (message: string | Buffer): Buffer =>
  (typeof message === 'string' ? text : binary)(deflated(message), { rsv: 4 })

const large = 'x'.repeat(100_000)
const corrupt = binary(hex('07'), { rsv: 4 })
/** More than is inflated at once, and corrupt at its end. */
const corruptLater = binary(Buffer.concat([deflated(randomBytes(20_000)), hex('07')]), { rsv: 4 })

t.test('it goes on once neither its owner nor the rate of its peer holds it', async t => {
  for (const order of [['release', 'unthrottle'], ['unthrottle', 'release']]) {
    const owner = new Owner()
    owner.reader.hold()
    owner.reader.throttle(true)
    owner.push(text('a'))
    t.ok(owner.reader.isBehind)
    for (const [index, step] of order.entries()) {
      t.same(owner.events, [])
      t.ok(owner.isPaused)
      if (step === 'release') owner.reader.release()
      else owner.reader.throttle(false)
      t.equal(owner.reader.isPaused, index === 0)
    }
    t.same(owner.events, ['a'])
    t.notOk(owner.isPaused)
    t.notOk(owner.reader.isBehind)
  }
})

t.test('it is behind on nothing once it has stopped, whatever the rate of its peer', async t => {
  const owner = new Owner()
  owner.reader.throttle(true)
  owner.push(text('a'))
  owner.reader.stop()
  t.notOk(owner.reader.isBehind)
  owner.reader.throttle(false)
  owner.reader.throttle(true)
  t.notOk(owner.reader.isBehind)
  t.same(owner.events, [])
})

t.test('messages are handed over in order, plain and compressed, small ones at once', async t => {
  t.same(new Owner().push(text('a'), compressed('b'), compressed(Buffer.from('c')), ping('1'), text('d')).events, ['a', 'b', 'c', 'ping 1', 'd'])
})

t.test('text is text and bytes are bytes', async t => {
  const { messages } = new Owner().push(compressed('é'), compressed(Buffer.from([0xff])))
  t.same(messages, ['é', Buffer.from([0xff])])
})

t.test('without agreement RSV1 is a violation', async t => {
  t.same(new Owner({ compresses: false }).push(text('a'), compressed('b'), text('c')).events, ['a', 'FST_ERR_WS_RESERVED_BITS'])
})

t.test('the order is kept behind a large message, whatever is behind it', async t => {
  const owner = new Owner().push(text('a'), compressed(large), text('b'), ping('1'), compressed('c'), pong('2'), compressed(Buffer.alloc(70_000)), text('d'))
  t.same(owner.events, ['a'])
  await owner.inflated()
  t.same(owner.events, ['a', '100000 characters', 'b', 'ping 1', 'c', 'pong 2'])
  await owner.inflated()
  t.same(owner.events.slice(6), ['70000 bytes', 'd'])
})

t.test('a chunk cut anywhere around a large message changes nothing', async t => {
  const bytes = Buffer.concat([text('a'), compressed(large), compressed('b'), close(1000)])
  for (const size of [1, 7, 64, 1000]) {
    const owner = new Owner()
    const { promise, resolve } = deferred()
    owner.onCloseFrame = code => { owner.events.push(`close ${code}`); resolve() }
    for (const piece of cut(bytes, size)) owner.push(piece)
    await promise
    t.same(owner.events, ['a', '100000 characters', 'b', 'close 1000'])
  }
})

t.test('while a message is being inflated nothing is read', async t => {
  const owner = new Owner().push(compressed(large))
  t.ok(owner.isPaused)
  t.ok(owner.reader.isBehind)
  owner.push(text('what was on its way'))
  t.same(owner.events, [])
  await owner.inflated()
  t.same(owner.events, ['100000 characters', 'what was on its way'])
  t.notOk(owner.isPaused)
  t.notOk(owner.reader.isBehind)
})

t.test('what waits to be inflated, and behind it, is held', async t => {
  const frame = compressed(large)
  const owner = new Owner().push(frame)
  t.ok(owner.reader.held > frame.length - 20)
  const before = owner.reader.held
  owner.push(Buffer.concat([text('a'.repeat(1000))]))
  t.ok(owner.reader.held >= before + 1000)
  await owner.inflated()
  t.equal(owner.reader.held, 0)
})

t.test('the window of a client that takes its context over is held', async t => {
  const owner = new Owner({ takeover: true })
  const peer = new DeflatingPeer()
  owner.push(text(await peer.deflate('Hello, you'), { rsv: 4 }))
  t.ok(owner.reader.held > 0)
  owner.push(text(await peer.deflate('Hello, you'), { rsv: 4 }), text(await peer.deflate(large), { rsv: 4 }))
  await owner.inflated()
  owner.push(text(await peer.deflate('xxx you'), { rsv: 4 }))
  t.same(owner.events, ['Hello, you', 'Hello, you', '100000 characters', 'xxx you'])
})

t.test('a message does not keep memory that is not its own', async t => {
  const { messages } = new Owner().push(compressed(Buffer.from('small')))
  t.equal((messages[0] as Buffer).buffer.byteLength, 5)
})

/* Hold and release. */

t.test('held by its owner, it reads no further until it is released', async t => {
  const owner = new Owner()
  owner.onEach = () => owner.reader.hold()
  owner.push(text('a'), compressed('b'))
  t.same(owner.events, ['a'])
  t.ok(owner.isPaused)
  owner.reader.release()
  t.same(owner.events, ['a', 'b'])
  owner.onEach = () => {}
  owner.reader.release()
  owner.reader.release()
  t.notOk(owner.isPaused)
})

t.test('held while a message is being inflated, it goes on when both are over', async t => {
  const owner = new Owner().push(compressed(large), text('b'))
  owner.reader.hold()
  await owner.inflated()
  t.same(owner.events, ['100000 characters'], 'that one is handed over')
  t.ok(owner.isPaused)
  owner.reader.release()
  t.same(owner.events, ['100000 characters', 'b'])
  t.notOk(owner.isPaused)
})

t.test('released while a message is being inflated, it waits for that', async t => {
  const owner = new Owner().push(compressed(large), text('b'))
  owner.reader.hold()
  owner.reader.release()
  t.same(owner.events, [])
  t.ok(owner.isPaused)
  await owner.inflated()
  t.same(owner.events, ['100000 characters', 'b'])
})

t.test('held by the message that was inflated, it stays paused', async t => {
  const owner = new Owner().push(compressed(large), text('b'))
  owner.onEach = () => owner.reader.hold()
  await owner.inflated()
  t.same(owner.events, ['100000 characters'])
  t.ok(owner.isPaused)
})

/* Violations. */

t.test('a corrupt message is a violation, and nothing behind it is read', async t => {
  t.same(new Owner().push(text('a'), corrupt, text('b')).events, ['a', 'FST_ERR_WS_CORRUPT_DEFLATE'])
  const owner = new Owner().push(text('a'), corruptLater, text('b'))
  await owner.inflated()
  t.same(owner.events, ['a', 'FST_ERR_WS_CORRUPT_DEFLATE'])
  t.equal(owner.reader.held, 0)
})

t.test('a bomb is a violation, small or large', async t => {
  t.same(new Owner({ maxPayload: 1000 }).push(compressed(Buffer.alloc(1001))).events, ['FST_ERR_WS_MESSAGE_TOO_BIG'])
  const owner = new Owner().push(compressed(Buffer.alloc(2 ** 20 + 1)))
  await owner.inflated()
  t.same(owner.events, ['FST_ERR_WS_MESSAGE_TOO_BIG'])
})

t.test('text that is not UTF-8 once inflated is a violation, at once or later', async t => {
  t.same(new Owner().push(text(deflated(hex('c3 28')), { rsv: 4 })).events, ['FST_ERR_WS_INVALID_UTF8'])
  const owner = new Owner().push(text(deflated(Buffer.alloc(100_000, 0xff)), { rsv: 4 }))
  await owner.inflated()
  t.same(owner.events, ['FST_ERR_WS_INVALID_UTF8'])
})

t.test('a violation behind a large message comes after it', async t => {
  const owner = new Owner().push(compressed(large), text('b'), continuation('c'), text('d'))
  await owner.inflated()
  t.same(owner.events, ['100000 characters', 'b', 'FST_ERR_WS_UNEXPECTED_CONTINUATION'])
})

t.test('an owner that throws at a message is told of it, at once or later', async t => {
  for (const message of [compressed('small'), compressed(large)]) {
    const owner = new Owner()
    owner.onEach = () => { throw new Error('from the owner') }
    owner.push(message, text('b'))
    if (owner.reader.isBehind) await owner.inflated()
    t.equal(owner.events.at(-1), 'Error: from the owner')
    t.equal(owner.events.length, 2)
  }
})

t.test('an owner that throws at what is behind a large message is told of it', async t => {
  const owner = new Owner()
  owner.onEach = message => { if (message === 'b') throw new Error('from the owner') }
  owner.push(compressed(large), text('b'), text('c'))
  await owner.inflated()
  t.same(owner.events, ['100000 characters', 'b', 'Error: from the owner'])
})

/* The end. */

t.test('a close frame behind a large message is handed over after it', async t => {
  const owner = new Owner().push(compressed(large), close(1000))
  t.same(owner.events, [])
  await owner.inflated()
  t.same(owner.events, ['100000 characters', 'close 1000'])
})

for (const [title, frame] of [['a message', compressed(large)], ['a corrupt one', corruptLater]] as const) {
  t.test(`stopped while inflating ${title}, it hands nothing over and says when that is over`, async t => {
    const owner = new Owner().push(text('a'), frame, text('b'))
    owner.reader.stop()
    t.ok(owner.reader.isBehind)
    await owner.inflated()
    t.same(owner.events, ['a'])
    t.notOk(owner.reader.isBehind)
    t.equal(owner.reader.held, 0)
    t.notOk(owner.isPaused, 'so that the end of the transport is seen')
  })
}

t.test('stopped by a message, it hands nothing more over', async t => {
  const owner = new Owner()
  owner.onEach = () => owner.reader.stop()
  owner.push(compressed('a'), compressed(large), text('b'))
  owner.push(text('c'))
  t.same(owner.events, ['a'])
  t.equal(owner.reader.held, 0)
})

t.test('binary messages that were inflated are the application\'s to keep', t => {
  const sent = [randomBytes(50), randomBytes(12_000), randomBytes(50), randomBytes(12_000)]
  const { messages } = new Owner().push(...sent.map(compressed))
  t.same(messages, sent)
  t.ok(messages.every(message => (message as Buffer).buffer.byteLength === message.length), 'and keep no more memory')
  t.end()
})
