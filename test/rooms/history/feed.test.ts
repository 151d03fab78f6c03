import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import type { Test } from 'tap'
import type { HistoryEvent } from '../../../types/adapter.ts'
import { ModelClient, ModelHistory, ModelNode } from '../../helpers/feed-model.ts'
import { keepAlive } from '../../helpers/keep-alive.ts'
import { timers } from '../../helpers/scripted-history.ts'

/** A history and one process, whose reads and subscriptions are answered at once where a test does not keep them. */
class Stage {
  readonly history = new ModelHistory()
  readonly node: ModelNode
  #count = 0

  constructor (t: Test, timeout?: number) {
    t.teardown(() => this.node.feed?.drop())
    this.node = new ModelNode(this.history, timeout)
  }

  append (count = 1, except: readonly string[] = []): void {
    for (let index = 0; index < count; index++) {
      const event = this.history.append(except, 1)
      this.node.feed?.onEvent(event)
    }
  }

  client (): ModelClient {
    return new ModelClient(`client-${this.#count++}`)
  }

  async settle (): Promise<void> {
    for (let round = 0; round < 3; round++) {
      for (const settle of [...this.node.subscribing.splice(0), ...this.node.reads.splice(0)]) settle(null)
      await setImmediate()
    }
  }

  async member (): Promise<ModelClient> {
    const client = this.client()
    const joined = this.node.join(client, undefined)
    await this.settle()
    await joined
    return client
  }
}

function offsets ({ had }: ModelClient): number[] {
  return had.map(({ offset }) => offset)
}

t.test('who is up to date, or says nothing, joins without a read: a crowd that comes back costs none', async t => {
  const stage = new Stage(t)
  await stage.member()
  stage.append(5)
  const { readCount } = stage.node
  const joins = Array.from({ length: 10_000 }, (_, index) => stage.node.join(stage.client(), index % 2 === 0 ? 'a-5' : undefined))
  const results = await Promise.all(joins)
  t.equal(stage.node.readCount, readCount)
  t.ok(results.every(({ recovered, replayed, eventId }, index) => recovered === (index % 2 === 0) && replayed === 0 && eventId === 'a-5'))
})

t.test('ten thousand that come back at once with what is old cost two reads', async t => {
  const stage = new Stage(t)
  await stage.member()
  stage.append(20)
  const { readCount } = stage.node
  const clients = Array.from({ length: 10_000 }, () => stage.client())
  const joins = clients.map((client, index) => stage.node.join(client, `a-${index % 20}`))
  await stage.settle()
  const results = await Promise.all(joins)
  t.ok(stage.node.readCount - readCount <= 2)
  t.ok(results.every(({ recovered, replayed }, index) => recovered && replayed === 20 - index % 20))
  t.same(offsets(clients[17]), [18, 19, 20])
})

t.test('those who are replayed to share what they are sent, however they come one after the other', async t => {
  const stage = new Stage(t)
  await stage.member()
  stage.append(100)
  const broadcasts = new Set<unknown>()
  for (let index = 0; index < 20; index++) {
    const client = stage.client()
    client.read(false)
    client.receive = ({ broadcast }) => { broadcasts.add(broadcast) }
    void stage.node.join(client, `a-${index % 2 === 0 ? 0 : 90}`)
    await stage.settle()
  }
  for (const client of stage.node.members) client.read(true)
  await setImmediate()
  t.equal(broadcasts.size, 100)
})

t.test('a gap is told in its place: behind what is still being replayed, and not to who does not know yet where it is', async t => {
  const stage = new Stage(t)
  const live = await stage.member()
  stage.append(3)
  const slow = stage.client()
  slow.read(false)
  const joined = stage.node.join(slow, 'a-0')
  await stage.settle()
  const seen: string[] = []
  const receive = slow.receive.bind(slow)
  slow.receive = event => {
    seen.push((event.broadcast.message as { eventId: string }).eventId)
    receive(event)
  }
  stage.history.append([], 1)
  stage.history.append([], 1)
  stage.history.trim(4)
  const waiting = stage.client()
  const waited = stage.node.join(waiting, 'a-2')
  await stage.settle()
  t.equal(live.wasToldOfGap, true)
  t.equal(slow.wasToldOfGap, false)
  slow.read(true)
  await joined
  t.same(seen, ['a-1', 'a-2', 'a-3', 'a-4', 'a-5'])
  t.equal(slow.wasToldOfGap, true)
  t.match(await waited, { recovered: false, eventId: 'a-5' })
  t.equal(waiting.wasToldOfGap, false)
  t.same(offsets(waiting), [])
})

t.test('a join that fails is none at the same moment: nothing that comes then is sent', async t => {
  const stage = new Stage(t, 1_000)
  keepAlive(t)
  await stage.member()
  stage.append(2)
  const client = stage.client()
  const joined = stage.node.join(client, 'a-0')
  joined.catch(() => {})
  await t.rejects(joined.finally(() => stage.append()), { code: 'FST_ERR_WS_ROOM_UNAVAILABLE', statusCode: 503 })
  t.equal(stage.node.members.has(client), false)
  await stage.settle()
  t.same(offsets(client), [])
  t.same(client.failures, [])
})

t.test('a subscription that fails fails the join, and the next one may succeed', async t => {
  const stage = new Stage(t)
  const client = stage.client()
  const joined = stage.node.join(client, undefined)
  stage.node.subscribing.shift()?.(new Error('no'))
  await t.rejects(joined, { message: 'no' })
  t.equal(stage.node.members.size, 0)
  const again = stage.node.join(client, undefined)
  await stage.settle()
  t.match(await again, { recovered: false, eventId: 'a-0' })
})

t.test('a member that joins once more without since misses nothing', async t => {
  const stage = new Stage(t)
  const client = await stage.member()
  stage.append(2)
  stage.node.feed?.recover()
  const again = stage.node.join(client, undefined)
  stage.append(2)
  await stage.settle()
  t.match(await again, { recovered: false, replayed: 0 })
  t.same(offsets(client), [1, 2, 3, 4])
})

t.test('a second join without since, while the first one waits, has its answer', async t => {
  const stage = new Stage(t)
  await stage.member()
  stage.append(3)
  const client = stage.client()
  const joins = [stage.node.join(client, 'a-1'), stage.node.join(client, undefined)]
  await stage.settle()
  for (const joined of joins) t.match(await joined, { recovered: true, replayed: 2 })
  t.same(offsets(client), [2, 3])
})

t.test('reads that fail are told once, until one succeeds', async t => {
  const stage = new Stage(t)
  await stage.member()
  stage.node.feed?.recover()
  for (let count = 0; count < 3; count++) {
    stage.node.reads.shift()?.(new Error('READONLY'))
    await setImmediate()
    stage.node.feed?.recover()
    await setImmediate()
  }
  t.equal(stage.node.readFailures.length, 1)
  await stage.settle()
  stage.node.feed?.recover()
  stage.node.reads.shift()?.(new Error('READONLY'))
  await setImmediate()
  t.equal(stage.node.readFailures.length, 2)
})

t.test('what comes while the history is read is kept up to a thousand messages, and read beyond', async t => {
  const stage = new Stage(t)
  const client = await stage.member()
  stage.node.feed?.recover()
  stage.append(2_500)
  await stage.settle()
  t.same(offsets(client), Array.from({ length: 2_500 }, (_, index) => index + 1))
})

t.test('a message that is lost with nothing behind it is found when the room was quiet for a while', async t => {
  const stage = new Stage(t)
  const client = await stage.member()
  stage.append()
  stage.history.append([], 1)
  const { readCount } = stage.node
  stage.node.feed?.verify()
  t.equal(stage.node.readCount, readCount, 'something came since it was last looked')
  stage.node.feed?.verify()
  await stage.settle()
  t.same(offsets(client), [1, 2])
  t.equal(stage.node.gaps, 1)
})

t.test('whoever leaves and joins again because of what was delivered is not sent what its old feed still has', async t => {
  const stage = new Stage(t)
  const client = await stage.member()
  const { receive } = client
  client.receive = event => {
    client.receive = receive
    client.receive(event)
    stage.node.leave(client)
    client.latest = null
    void stage.node.join(client, undefined)
  }
  stage.history.append([], 1)
  stage.history.append([], 1)
  stage.node.feed?.recover()
  stage.node.reads.shift()?.(null)
  await setImmediate()
  t.same(offsets(client), [1])
  await stage.settle()
  stage.append()
  t.same(offsets(client), [1, 3])
})

t.test('a feed that is dropped settles all joins, reads no more and leaves no timer', async t => {
  const stage = new Stage(t)
  await setImmediate()
  const before = timers()
  const client = stage.client()
  const joined = stage.node.join(client, 'a-0')
  stage.node.subscribing.shift()?.(null)
  await setImmediate()
  stage.node.reads.shift()?.(new Error('lost'))
  await setImmediate()
  const { feed } = stage.node
  feed?.drop()
  t.match(await joined, { recovered: false })
  await setImmediate()
  t.equal(stage.node.readCount, 1)
  t.equal(timers(), before)
})

t.test('who asks again and again for what is not kept any more costs one read', async t => {
  const stage = new Stage(t)
  await stage.member()
  stage.append(20)
  stage.history.trim(10)
  const { readCount } = stage.node
  for (const since of ['a-9', ...Array.from({ length: 1_000 }, (_, index) => `a-${index % 10}`)]) {
    const client = stage.client()
    const joined = stage.node.join(client, since)
    await stage.settle()
    const { recovered, replayed, eventId } = await joined
    if (recovered || replayed > 0 || eventId !== 'a-20') t.fail(since)
    stage.node.leave(client)
  }
  t.equal(stage.node.readCount, readCount + 1)
  const joined = stage.node.join(stage.client(), 'a-10')
  await stage.settle()
  t.match(await joined, { recovered: true, replayed: 10 }, 'what is kept is read')
})

t.test('who asks for what is not kept any more makes others read no more than they need', async t => {
  const stage = new Stage(t)
  await stage.member()
  stage.append(20)
  stage.history.trim(10)
  const asked: Array<number | undefined> = []
  const page = stage.history.page.bind(stage.history)
  stage.history.page = after => {
    asked.push(after?.offset)
    return page(after)
  }
  for (const sinces of [['a-3'], ['a-3', 'a-15']]) {
    const joins = sinces.map(since => stage.node.join(stage.client(), since))
    await stage.settle()
    await Promise.all(joins)
  }
  t.same(asked, [3, 15])
})

t.test('where memory is short, those to whom messages are being replayed are closed, and nobody else', async t => {
  const stage = new Stage(t)
  await stage.member()
  stage.append(20)
  const [slow, quick, late] = [stage.client(), stage.client(), stage.client()]
  slow.read(false)
  const joins = [slow, quick].map(client => stage.node.join(client, 'a-5'))
  await stage.settle()
  stage.append(3)
  const joining = stage.node.join(late, 'a-5')
  const { held, feed } = stage.node
  t.ok(held > 18 * 256, `${held} bytes`)
  t.equal(feed?.held, held)
  feed?.shed()
  t.equal(stage.node.held, 0, 'nothing is kept for who is closed')
  feed?.shed()
  t.same([slow, quick, late].map(({ failures }) => failures.length), [1, 0, 0])
  await stage.settle()
  t.match(await joins[1], { recovered: true })
  t.match(await joining, { recovered: true, replayed: 18 })
  t.same(offsets(late), offsets(quick))
  t.same(offsets(slow), [])
  stage.node.leave(slow)
  t.equal(stage.node.held, 0)
})

t.test('who reads at once is no burden: what is replayed to it was never held', async t => {
  const stage = new Stage(t)
  await stage.member()
  stage.append(20)
  let most = 0
  const { node } = stage
  Object.defineProperty(node, 'held', { get: () => 0, set: held => { most = Math.max(most, held) } })
  const joined = node.join(stage.client(), 'a-5')
  await stage.settle()
  t.match(await joined, { recovered: true, replayed: 15 })
  t.equal(most, 0)
})

t.test('nothing counts as held when the last member leaves, also while the history is being read', async t => {
  const stage = new Stage(t)
  await stage.member()
  stage.append(20)
  const slow = stage.client()
  slow.read(false)
  void stage.node.join(slow, 'a-5')
  await stage.settle()
  t.ok(stage.node.held > 0)
  void stage.node.join(stage.client(), 'a-3')
  for (const client of [...stage.node.members]) stage.node.leave(client)
  t.equal(stage.node.held, 0)
  await stage.settle()
  t.equal(stage.node.held, 0)
})

t.test('what somebody asked for who has left before it was read is not encoded', async t => {
  const stage = new Stage(t)
  const member = await stage.member()
  stage.append(20)
  stage.history.append([], 1)
  let encoded = 0
  const page = stage.history.page.bind(stage.history)
  stage.history.page = after => {
    const { events, ...rest } = page(after)
    const counted = ({ envelope, ...event }: HistoryEvent): HistoryEvent => ({
      ...event,
      envelope: {
        ...envelope,
        get payload () {
          encoded++
          return envelope.payload
        }
      }
    })
    return { ...rest, events: events.map(counted) }
  }
  const client = stage.client()
  const joined = stage.node.join(client, 'a-1')
  await setImmediate()
  stage.node.leave(client)
  await joined
  await stage.settle()
  t.ok(encoded <= 2, `${encoded} of 20`)
  t.same(offsets(member).slice(-1), [21], 'what is news to the others is')
})
