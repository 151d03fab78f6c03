import t from 'tap'
import type { MessageEnvelope } from '../../../types/adapter.ts'
import { Batches } from '../../../lib/rooms/nats/batches.ts'
import type { Batch, EncodedMessage } from '../../../lib/rooms/nats/batches.ts'
import { EnvelopeCodec } from '../../../lib/rooms/envelope.ts'
import { decodeMessages } from '../../../lib/rooms/nats/history.ts'
import { headOf, offsetOf, sequenceOf } from '../../../lib/rooms/nats/places.ts'

const most = 1_000

/** Messages of ten bytes each, from one number to another. */
function messages (from: number, to: number): EncodedMessage[] {
  return Array.from({ length: to - from + 1 }, (_, index) => {
    const envelope: MessageEnvelope = { kind: 'json', node: 'a', seq: from + index, payload: '{}', except: [] }
    return { envelope, bytes: Buffer.from(String(from + index).padStart(10, '0')) }
  })
}

/** What is kept of it; the first `failing` attempts fail. */
function keeper (failing = 0): { tried: string[], keep: (batch: Batch) => Promise<void> } {
  const tried: string[] = []
  const keep = async ({ id, bytes }: Batch): Promise<void> => {
    tried.push(`${id} ${bytes.length}`)
    if (failing-- > 0) throw new Error('nobody knows')
  }
  return { tried, keep }
}

t.test('the messages of an append leave together', async t => {
  const { tried, keep } = keeper()
  await new Batches().append('room', messages(1, 5), most, keep)
  t.same(tried, ['a:1-5 50'])
})

t.test('as far as the server takes it, and no more than have places of their own', async t => {
  const { tried, keep } = keeper()
  await new Batches().append('room', messages(1, 5), 20, keep)
  t.same(tried, ['a:1-2 20', 'a:3-4 20', 'a:5-5 10'])
  tried.length = 0
  await new Batches().append('room', messages(1, 300), 1_000_000, keep)
  t.same(tried, ['a:1-256 2560', 'a:257-300 440'])
})

t.test('one that is larger than the most leaves alone', async t => {
  const { tried, keep } = keeper()
  await new Batches().append('room', messages(1, 2), 5, keep)
  t.same(tried, ['a:1-1 10', 'a:2-2 10'])
})

t.test('what may have been kept is tried again as it was, and before what came since', async t => {
  const { tried, keep } = keeper(1)
  const batches = new Batches()
  await t.rejects(batches.append('room', messages(1, 3), most, keep), { message: 'nobody knows' })
  await batches.append('room', messages(2, 5), most, keep)
  t.same(tried, ['a:1-3 30', 'a:1-3 30', 'a:4-5 20'])
})

t.test('what was given up is not tried again', async t => {
  const { tried, keep } = keeper(1)
  const batches = new Batches()
  await t.rejects(batches.append('room', messages(1, 3), most, keep))
  await batches.append('room', messages(4, 5), most, keep)
  t.same(tried, ['a:1-3 30', 'a:4-5 20'])
})

t.test('nothing behind a failure is tried, and what is kept is not tried again', async t => {
  const batches = new Batches()
  const first = keeper()
  await batches.append('room', messages(1, 2), most, first.keep)
  const { tried, keep } = keeper(1)
  await t.rejects(batches.append('room', messages(1, 6), 20, keep))
  t.same(tried, ['a:3-4 20'])
  await batches.append('room', messages(1, 6), 20, keep)
  t.same(tried, ['a:3-4 20', 'a:3-4 20', 'a:5-6 20'])
})

t.test('channels know nothing of each other', async t => {
  const { tried, keep } = keeper()
  const batches = new Batches()
  await batches.append('one', messages(2, 2), most, keep)
  await batches.append('two', messages(1, 1), most, keep)
  t.same(tried, ['a:2-2 10', 'a:1-1 10'])
})

t.test('the last message of a sequence is at its head, however many it has, and all lead back to it', async t => {
  for (const count of [1, 2, 256]) {
    t.equal(offsetOf(7, count - 1, count), headOf(7))
    t.ok(offsetOf(7, 0, count) > headOf(6))
    for (const index of [0, count - 1]) t.equal(sequenceOf(offsetOf(7, index, count)), 7)
  }
})

t.test('what has more messages than there are places for is refused', async t => {
  const codec = new EnvelopeCodec('namespace', [])
  const bytes = (count: number): Buffer => Buffer.concat(messages(1, count).map(({ envelope }) => codec.encode('room', envelope)))
  t.equal(decodeMessages(codec, 'room', bytes(256)).length, 256)
  t.throws(() => decodeMessages(codec, 'room', bytes(257)), { code: 'FST_ERR_WS_ENVELOPE' })
})
