import t from 'tap'
import { Inbox } from '../../lib/connection/inbox.ts'
import type { InboxOwner } from '../../lib/connection/inbox.ts'
import type { Payload } from '../../types/codec.ts'

/** An owner that keeps what it is told. */
class Owner implements InboxOwner {
  readonly handled: string[] = []
  readonly events: string[] = []
  readonly inbox: Inbox
  /** Whether handlers go on after the call. */
  async = true
  hasUnreadReplies = false

  constructor (concurrency = 1) {
    this.inbox = new Inbox(this, concurrency)
  }

  push (...payloads: Payload[]): this {
    for (const payload of payloads) this.inbox.push(payload)
    return this
  }

  handle (payload: Payload): boolean {
    this.handled.push(String(payload))
    return this.async
  }

  onInboxFull (): void { this.events.push('full') }
  onInboxRoom (): void { this.events.push('room') }
  onInboxEmpty (): void { this.events.push('empty') }
}

function opened (concurrency?: number): Owner {
  const owner = new Owner(concurrency)
  owner.inbox.open()
  owner.events.length = 0
  return owner
}

const numbers = (count: number): string[] => Array.from({ length: count }, (_, index) => String(index))

t.test('messages wait until the inbox is opened, and are handled in their order then', async t => {
  const owner = new Owner()
  owner.async = false
  owner.push('a', 'b', 'c')
  t.same(owner.handled, [])
  owner.inbox.open()
  t.same(owner.handled, ['a', 'b', 'c'])
})

t.test('the next message is handled when the last has settled', async t => {
  const owner = opened().push('a', 'b', 'c')
  t.same(owner.handled, ['a'])
  owner.inbox.settled()
  t.same(owner.handled, ['a', 'b'])
})

t.test('as many messages are handled at once as concurrency says', async t => {
  const owner = opened(3).push('a', 'b', 'c', 'd', 'e')
  t.same(owner.handled, ['a', 'b', 'c'])
  owner.inbox.settled()
  t.same(owner.handled, ['a', 'b', 'c', 'd'])
})

t.test('a message does not overtake those that wait', async t => {
  const owner = opened().push('a', 'b')
  owner.async = false
  owner.push('c')
  t.same(owner.handled, ['a'])
  owner.inbox.settled()
  t.same(owner.handled, ['a', 'b', 'c'])
})

t.test('the inbox is full at 16 messages that wait', async t => {
  const owner = opened().push('running', ...numbers(15))
  t.same(owner.events, [])
  owner.push('the 16th')
  t.same(owner.events, ['full'])
})

t.test('the inbox is full at 64 KiB that wait', async t => {
  const owner = opened().push('running', 'x'.repeat(65_535))
  t.same(owner.events, [])
  owner.push(Buffer.from('x'))
  t.same(owner.events, ['full'])
})

t.test('a message that is taken on at once fills nothing', async t => {
  t.same(opened().push('x'.repeat(1_000_000)).events, [])
})

t.test('there is room again once half of it is gone, in messages and in bytes', async t => {
  const owner = opened().push('running', ...numbers(16))
  for (let i = 0; i < 8; i++) owner.inbox.settled()
  t.same(owner.events, ['full'])
  owner.inbox.settled()
  t.same(owner.events, ['full', 'room'])

  const big = opened().push('running', 'x'.repeat(30_000), 'x'.repeat(40_000))
  big.inbox.settled()
  t.same(big.events, ['full'])
  big.inbox.settled()
  t.same(big.events, ['full', 'room'])
})

t.test('the inbox is empty when nothing waits and nothing runs', async t => {
  const owner = opened().push('a', 'b')
  owner.inbox.settled()
  t.notOk(owner.inbox.isEmpty)
  owner.inbox.settled()
  t.ok(owner.inbox.isEmpty)
  t.equal(owner.events.filter(event => event === 'empty').length, 1)
})

t.test('what waits can be forgotten; what runs goes on', async t => {
  const owner = opened().push('running', ...numbers(20))
  owner.inbox.clear()
  t.notOk(owner.inbox.isEmpty)
  owner.inbox.settled()
  t.same(owner.handled, ['running'])
  t.same(owner.events.slice(-2), ['room', 'empty'])
})

t.test('an inbox that was forgotten counts from nothing again', async t => {
  const owner = opened().push('running', 'x'.repeat(60_000))
  owner.inbox.clear()
  owner.push('x'.repeat(60_000))
  t.same(owner.events, [])
})

/* A peer that has not read its replies. */

t.test('nothing is handled while the peer does not read its replies, and all of it once it does', async t => {
  const owner = opened()
  owner.async = false
  owner.hasUnreadReplies = true
  owner.push('a', 'b', 'c')
  t.same(owner.handled, [])
  t.notOk(owner.inbox.isEmpty)
  owner.hasUnreadReplies = false
  owner.inbox.unblocked()
  t.same(owner.handled, ['a', 'b', 'c'])
  t.ok(owner.inbox.isEmpty)
})

t.test('a handler that settles meanwhile lets none through', async t => {
  const owner = opened().push('running', 'a')
  owner.hasUnreadReplies = true
  owner.inbox.settled()
  t.same(owner.handled, ['running'])
  owner.hasUnreadReplies = false
  owner.inbox.unblocked()
  t.same(owner.handled, ['running', 'a'])
})

t.test('the inbox fills up behind it, so that reading stops, and there is room again once it reads', async t => {
  const owner = opened()
  owner.async = false
  owner.hasUnreadReplies = true
  owner.push(...numbers(16))
  t.same(owner.events, ['full'])
  owner.hasUnreadReplies = false
  owner.inbox.unblocked()
  t.same(owner.events, ['full', 'room', 'empty'])
})

t.test('a reply that finds no room stops those behind it again', async t => {
  const owner = opened()
  owner.async = false
  owner.hasUnreadReplies = true
  owner.push('a', 'b', 'c')
  owner.hasUnreadReplies = false
  owner.handle = payload => {
    owner.handled.push(String(payload))
    owner.hasUnreadReplies = true
    return false
  }
  owner.inbox.unblocked()
  t.same(owner.handled, ['a'])
})

/* What it holds. */

t.test('it holds what waits, and counts what is around it', async t => {
  const owner = opened().push('running')
  t.equal(owner.inbox.held, 0, 'a message that is being handled is the application\'s')
  owner.push('x'.repeat(100), Buffer.alloc(200))
  t.ok(owner.inbox.held >= 300)
  const many = opened().push('running', ...Array.from({ length: 15 }, () => ''))
  t.ok(many.inbox.held >= 15 * 50, 'empty messages count too')
  owner.inbox.settled()
  owner.inbox.settled()
  t.equal(owner.inbox.held, 0)
  many.inbox.clear()
  t.equal(many.inbox.held, 0)
})

t.test('a small message that waits does not keep the chunk that it came in', async t => {
  const owner = opened().push('running')
  const seen: Payload[] = []
  owner.handle = payload => { seen.push(payload); return false }
  owner.push(Buffer.alloc(65_536).subarray(10, 20))
  owner.inbox.settled()
  t.equal((seen[0] as Buffer).buffer.byteLength, 10)
})

t.test('a handler that makes its peer read again is not interrupted by the next message', async t => {
  const owner = opened()
  owner.hasUnreadReplies = true
  owner.push('a', 'b')
  owner.handle = payload => {
    owner.handled.push(`${String(payload)} begins`)
    owner.inbox.unblocked()
    owner.handled.push(`${String(payload)} ends`)
    return false
  }
  owner.hasUnreadReplies = false
  owner.inbox.unblocked()
  t.same(owner.handled, ['a begins', 'a ends', 'b begins', 'b ends'])
})
