import assert from 'node:assert/strict'
import { mock } from 'node:test'
import fc from 'fast-check'
import t from 'tap'
import { MemoryHistory } from '../../lib/rooms/memory-history.ts'
import type { HistoryPage, HistorySettings, MessageEnvelope, Position } from '../../types/index.ts'
import { holds } from '../helpers/property.ts'

const settings: HistorySettings = { size: 3, ttl: 100_000 }

function message (seq: number, node = 'one'): MessageEnvelope {
  return { kind: 'json', node, seq, payload: `{"seq":${seq}}`, except: [] }
}

/** A history whose time passes when it is told. */
function newHistory (): { history: MemoryHistory, pass: (milliseconds: number) => void } {
  let now = 0
  return { history: new MemoryHistory(() => now), pass: milliseconds => { now += milliseconds } }
}

function offsetsOf ({ events }: HistoryPage): number[] {
  return events.map(({ offset }) => offset)
}

t.test('messages have their places one behind the other, from 1 on', async t => {
  const { history } = newHistory()
  const { epoch, head, floor } = history.read('a', null, settings)
  t.same([head, floor], [0, 0])
  t.match(epoch, /^[A-Za-z0-9]{1,64}$/)
  for (const offset of [1, 2]) t.same(history.append('a', message(offset), settings), { epoch, offset, previous: offset - 1, envelope: message(offset) })
  t.same(history.read('a', { epoch, offset: 0 }, settings).events.map(({ envelope }) => envelope), [message(1), message(2)])
  t.same(offsetsOf(history.read('a', { epoch, offset: 1 }, settings)), [2])
})

t.test('rooms know nothing of each other', async t => {
  const { history } = newHistory()
  history.append('a', message(1), settings)
  const [a, b] = [history.read('a', null, settings), history.read('b', null, settings)]
  t.not(a.epoch, b.epoch)
  t.equal(b.head, 0)
})

t.test('the newest are kept, and the floor says from where on', async t => {
  const { history } = newHistory()
  const { epoch } = history.read('a', null, settings)
  for (let seq = 1; seq <= 5; seq++) history.append('a', message(seq), settings)
  const page = history.read('a', { epoch, offset: 0 }, settings)
  t.match(page, { head: 5, floor: 2 })
  t.same(offsetsOf(page), [3, 4, 5])
})

t.test('messages expire, and the place of the last one stays', async t => {
  const { history, pass } = newHistory()
  const { epoch } = history.read('a', null, settings)
  history.append('a', message(1), settings)
  pass(settings.ttl / 2)
  history.append('a', message(2), settings)
  pass(settings.ttl / 2)
  const half = history.read('a', { epoch, offset: 0 }, settings)
  t.match(half, { epoch, head: 2, floor: 1 })
  t.same(offsetsOf(half), [2])
  pass(settings.ttl / 2)
  t.same(history.read('a', { epoch, offset: 0 }, settings), { epoch, head: 2, floor: 2, events: [] })
  t.match(history.append('a', message(3), settings), { offset: 3, previous: 2 })
})

t.test('a position of another epoch, none, and one beyond the head have no events', async t => {
  const { history } = newHistory()
  const { epoch } = history.read('a', null, settings)
  history.append('a', message(1), settings)
  for (const after of [null, { epoch: 'another', offset: 0 }, { epoch, offset: 2 }]) {
    t.same(history.read('a', after, settings), { epoch, head: 1, floor: 0, events: [] })
  }
})

t.test('what a process appends again is not appended, those of others are', async t => {
  const { history } = newHistory()
  for (const [node, seq] of [['one', 5], ['two', 5], ['one', 6]] as const) t.ok(history.append('a', message(seq, node), settings))
  for (const [node, seq] of [['one', 5], ['one', 6], ['two', 4], ['two', 5]] as const) t.equal(history.append('a', message(seq, node), settings), null)
  t.equal(history.read('a', null, settings).head, 3)
  t.ok(history.append('b', message(5, 'one'), settings), 'in another room it is another message')
})

t.test('what is appended again is known when it has long expired', async t => {
  const { history, pass } = newHistory()
  const brief = { size: 1, ttl: 1 }
  history.append('a', message(1), brief)
  // Another room is used: that is when others are forgotten.
  pass(30_000)
  history.read('b', null, brief)
  t.equal(history.append('a', message(1), brief), null)
})

t.test('of a thousand processes it is known what they appended last, not of all there ever were', async t => {
  const { history } = newHistory()
  const nodes = Array.from({ length: 1_001 }, (_, index) => `node-${index}`)
  for (const node of nodes) history.append('a', message(1, node), settings)
  t.equal(history.append('a', message(1, 'node-1'), settings), null)
  t.equal(history.append('a', message(1, 'node-1000'), settings), null)
  t.ok(history.append('a', message(1, 'node-0'), settings), 'the one that was silent longest is a stranger')
})

t.test('a process that goes on is not forgotten for those that come and go', async t => {
  const { history } = newHistory()
  for (let seq = 1; seq <= 3_000; seq++) {
    history.append('a', message(seq, 'steady'), settings)
    history.append('a', message(1, `passing-${seq}`), settings)
  }
  t.equal(history.append('a', message(3_000, 'steady'), settings), null)
})

t.test('a room that nobody uses for twice its ttl is forgotten, and begins a new epoch', async t => {
  const { history, pass } = newHistory()
  const { epoch } = history.read('a', null, settings)
  history.append('a', message(1), settings)
  pass(2 * settings.ttl - 1)
  t.equal(history.read('a', null, settings).epoch, epoch, 'it was read in time')
  pass(2 * settings.ttl - 1)
  history.read('b', null, settings)
  t.equal(history.size, 2)
  pass(2)
  history.read('b', null, settings)
  t.equal(history.size, 2, 'it is not looked all the time')
  pass(10_000)
  history.read('b', null, settings)
  t.equal(history.size, 1)
  const fresh = history.read('a', { epoch, offset: 0 }, settings)
  t.not(fresh.epoch, epoch)
  t.same([fresh.head, fresh.events], [0, []])
})

t.test('who asks with a shorter ttl does not have it forgotten earlier', async t => {
  const { history, pass } = newHistory()
  const { epoch } = history.read('a', null, settings)
  history.read('a', null, { size: 3, ttl: 1 })
  pass(2 * settings.ttl - 1)
  history.read('b', null, settings)
  t.equal(history.read('a', null, settings).epoch, epoch)
})

t.test('where nobody asks any more, what is kept no longer is let go of all the same, and nothing is looked at in the end', t => {
  const setTimeout = mock.method(globalThis, 'setTimeout')
  t.teardown(() => setTimeout.mock.restore())
  const { history, pass } = newHistory()
  for (let room = 0; room < 1_000; room++) history.append(`=${room}`, message(1), settings)
  let looks = 0
  function look (): void {
    pass(10_001)
    setTimeout.mock.calls[looks++].arguments[0]()
  }
  for (let times = 0; times < 9; times++) look()
  t.same([history.size, history.messages], [1_000, 1_000])
  look()
  t.same([history.size, history.messages], [1_000, 0], 'after its ttl')
  while (history.size > 0) look()
  t.equal(looks, 20, 'after twice its ttl')
  t.equal(setTimeout.mock.callCount(), looks)
  history.append('=1', message(2), settings)
  t.equal(setTimeout.mock.callCount(), looks + 1, 'until there is something again')
  t.end()
})

/** What happens to a room, in order. */
const steps = fc.array(fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('append' as const), node: fc.constantFrom('one', 'two', 'three') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('repeat' as const), index: fc.nat(40) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('read' as const), offset: fc.nat(45), isOther: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass' as const), milliseconds: fc.integer({ min: 1, max: 60_000 }) }) }
), { maxLength: 80 })

/** The same, kept whole. */
class Model {
  readonly all: Array<{ readonly envelope: MessageEnvelope, readonly at: number }> = []

  page ({ size, ttl }: HistorySettings, now: number, after: number | null): { head: number, floor: number, offsets: number[] } {
    const head = this.all.length
    let floor = Math.max(0, head - size)
    while (floor < head && this.all[floor].at <= now - ttl) floor++
    const offsets = this.all.map((_, index) => index + 1).filter(offset => after !== null && offset > floor && offset > after)
    return { head, floor, offsets }
  }
}

t.test('it keeps what a list of everything would, whatever happens', async t => {
  holds(t, fc.property(steps, fc.integer({ min: 1, max: 12 }), fc.integer({ min: 31_000, max: 90_000 }), (steps, size, ttl) => {
    const settings = { size, ttl }
    let now = 0
    const history = new MemoryHistory(() => now)
    const { epoch } = history.read('a', null, settings)
    const [model, counts] = [new Model(), new Map<string, number>()]
    for (const step of steps) {
      if (step.kind === 'pass') {
        now += step.milliseconds
        // Somebody is there: it is not forgotten.
        history.read('a', null, settings)
      } else if (step.kind === 'append') {
        const seq = (counts.get(step.node) ?? 0) + 1
        counts.set(step.node, seq)
        const envelope = message(seq, step.node)
        model.all.push({ envelope, at: now })
        assert.deepEqual(history.append('a', envelope, settings), { epoch, offset: model.all.length, previous: model.all.length - 1, envelope })
      } else if (step.kind === 'repeat') {
        const repeated = model.all[step.index]
        if (repeated !== undefined) assert.equal(history.append('a', repeated.envelope, settings), null)
      } else {
        const after: Position = { epoch: step.isOther ? 'another' : epoch, offset: step.offset }
        const page = history.read('a', after, settings)
        const { head, floor, offsets } = model.page(settings, now, step.isOther ? null : step.offset)
        assert.deepEqual({ epoch: page.epoch, head: page.head, floor: page.floor, offsets: offsetsOf(page) }, { epoch, head, floor, offsets })
        for (const { offset, previous, envelope } of page.events) assert.deepEqual([previous, envelope], [offset - 1, model.all[offset - 1].envelope])
      }
    }
  }), { numRuns: 500 })
})
