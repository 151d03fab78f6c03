import t from 'tap'
import type { Test } from 'tap'
import { Reader } from '../../lib/connection/reader.ts'
import type { ReaderOwner } from '../../lib/connection/reader.ts'
import type { Payload } from '../../types/codec.ts'
import { binary, text } from '../helpers/bytes.ts'
import { RecordingTransport } from '../helpers/recording-transport.ts'

/** What a connection reads before it looks at the turn: frames, and bytes. */
const share = 128
const shareOfBytes = 256 * 1024

/** An owner that keeps what it was given, to each of which it needs some time. */
class Owner extends RecordingTransport implements ReaderOwner {
  readonly reader = new Reader(this, this, 1024 * 1024, null)
  readonly messages: string[] = []
  isPaused = false
  waited = 0
  readonly #clock: Clock
  readonly #takes: number
  readonly #onEach: (message: string) => void

  constructor (clock: Clock, takes: number, onEach: (message: string) => void = () => {}) {
    super()
    this.#clock = clock
    this.#takes = takes
    this.#onEach = onEach
  }

  onMessage (payload: Payload): void {
    this.#clock.now += this.#takes
    this.messages.push(String(payload))
    this.#onEach(String(payload))
  }

  onPing (): void {}
  onPong (): void {}
  onCloseFrame (): void {}
  onViolation (error: unknown): void { throw error }
  onWaited (): void { this.waited++ }
  override pause (): void { this.isPaused = true }
  override resume (): void { this.isPaused = false }
}

interface Clock { now: number }

const immediate = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** Time stands still but for what owners need. Begins a turn that nobody has asked for. */
async function stoppedClock (t: Test): Promise<Clock> {
  await immediate()
  await immediate()
  const clock = { now: 1000 }
  t.intercept(performance, 'now', { value: () => clock.now })
  return clock
}

const numbered = (count: number, name = ''): string[] => Array.from({ length: count }, (_, index) => `${name}${index}`)
const chunk = (texts: string[]): Buffer => Buffer.concat(texts.map(each => text(each)))

t.test('while turns are short a connection reads all that has come', async t => {
  const owner = new Owner(await stoppedClock(t), 0)
  owner.reader.push(chunk(numbered(10_000)))
  t.equal(owner.messages.length, 10_000)
  t.notOk(owner.isPaused || owner.reader.isBehind)
})

t.test('in a long turn it reads its share, and goes on by as much in each of the next, in order', async t => {
  const owner = new Owner(await stoppedClock(t), 1)
  const all = numbered(1000)
  owner.reader.push(chunk(all))
  t.equal(owner.messages.length, 2 * share, 'one share before it looks at the turn, and one after')
  t.ok(owner.isPaused && owner.reader.isBehind)
  let before = owner.messages.length
  while (owner.reader.isBehind) {
    await immediate()
    t.ok(owner.messages.length - before <= share)
    before = owner.messages.length
  }
  t.same(owner.messages, all)
  t.notOk(owner.isPaused)
  t.equal(owner.waited, 6)
  t.equal(owner.reader.held, 0)
})

t.test('those that flood take turns, and one that does not is read at once', async t => {
  const clock = await stoppedClock(t)
  const order: string[] = []
  const flooding = ['a', 'b', 'c'].map(name => ({ name, owner: new Owner(clock, 1, message => order.push(message[0])) }))
  for (const { name, owner } of flooding) owner.reader.push(chunk(numbered(1000, name)))
  const other = new Owner(clock, 0)
  other.reader.push(chunk(['hello']))
  t.same(other.messages, ['hello'])
  while (flooding.some(({ owner }) => owner.reader.isBehind)) await immediate()
  for (const { name, owner } of flooding) t.same(owner.messages, numbered(1000, name))
  const runs = order.join('').match(/a+|b+|c+/g) ?? []
  t.ok(runs.every(run => run.length <= 2 * share), 'none has more than its share before the others have theirs')
})

t.test('what comes while it waits for its turn is read behind what waits', async t => {
  const owner = new Owner(await stoppedClock(t), 1)
  const all = numbered(500)
  owner.reader.push(chunk(all.slice(0, 400)))
  owner.reader.push(chunk(all.slice(400)))
  t.equal(owner.messages.length, 2 * share)
  while (owner.reader.isBehind) await immediate()
  t.same(owner.messages, all)
})

t.test('bytes are shared as frames are', async t => {
  const clock = await stoppedClock(t)
  const owner = new Owner(clock, 10)
  const large = binary(Buffer.alloc(shareOfBytes))
  owner.reader.push(large)
  t.notOk(owner.isPaused, 'the first share of a turn')
  owner.reader.push(Buffer.from(large))
  t.ok(owner.isPaused)
  while (owner.reader.isBehind) await immediate()
  t.equal(owner.messages.length, 2)
})

t.test('stopped while it waits for its turn, it hands over nothing more', async t => {
  const owner = new Owner(await stoppedClock(t), 1)
  owner.reader.push(chunk(numbered(1000)))
  owner.reader.stop()
  while (owner.reader.isBehind) await immediate()
  t.equal(owner.messages.length, 2 * share)
  t.equal(owner.reader.held, 0)
})

t.test('turns are not asked for, which is an immediate, before a share has been read, in however many chunks', async t => {
  const owner = new Owner(await stoppedClock(t), 1)
  const asked = t.capture(globalThis, 'setImmediate', globalThis.setImmediate)
  for (const each of numbered(share - 1)) owner.reader.push(text(each))
  t.equal(asked().length, 0)
  owner.reader.push(text('one more'))
  t.equal(asked().length, 1)
  owner.reader.push(chunk(numbered(share - 1)))
  t.equal(asked().length, 0)
  t.equal(owner.messages.length, 2 * share - 1)
})

t.test('who reads little in each turn asks once a share', async t => {
  const owner = new Owner(await stoppedClock(t), 0)
  const asked = t.capture(globalThis, 'setImmediate', globalThis.setImmediate)
  for (let turn = 0; turn < 256; turn++) {
    owner.reader.push(text('a'))
    await new Promise(resolve => setTimeout(resolve, 0))
  }
  t.equal(asked().length, 2)
})
