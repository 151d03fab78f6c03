import t from 'tap'
import { Compressions } from '../../lib/connection/compression.ts'
import { encodeMessage } from '../../lib/protocol/frame-encoder.ts'
import { hex } from '../helpers/bytes.ts'
import { deflated } from '../helpers/deflate.ts'

const parameters = { serverNoContextTakeover: true, clientNoContextTakeover: true, serverMaxWindowBits: 12, clientMaxWindowBits: 12 }
const create = (maxPayload = 1024): Compressions => new Compressions({ threshold: 16, contextTakeover: false, windowBits: 12, memLevel: 5, level: -1 }, maxPayload)

t.test('connections with the same parameters share one', async t => {
  const compressions = create()
  t.equal(compressions.of(parameters), compressions.of({ ...parameters }))
})

t.test('one parameter that differs makes another', async t => {
  const compressions = create()
  const others = [{ serverNoContextTakeover: false }, { clientNoContextTakeover: false }, { serverMaxWindowBits: 11 }, { clientMaxWindowBits: 11 }]
  t.equal(new Set([{}, ...others].map(other => compressions.of({ ...parameters, ...other }))).size, 5)
})

t.test('an inflater keeps to the limit of the route', async t => {
  const compression = create(4).of(parameters)
  // RFC 7692 section 7.2.3.1: "Hello".
  t.throws(() => compression.inflater().inflate(hex('f248cdc9c90700')), { message: 'the message is larger than maxPayload' })
})

t.test('a deflater compresses as the route does', async t => {
  const compression = create().of(parameters)
  const short = encodeMessage('a'.repeat(15))
  t.equal(compression.deflater().compress(short, false), short, 'below the threshold')
  const long = encodeMessage('a'.repeat(100))
  t.ok((compression.deflater().compress(long, false) as Buffer).length < 20)
})

t.test('where each message stands alone, all have the same inflater and deflater', async t => {
  const compression = create().of(parameters)
  t.equal(compression.inflater(), compression.inflater())
  t.equal(compression.deflater(), compression.deflater())
})

t.test('where a context is taken over, each has its own', async t => {
  const compression = create().of({ ...parameters, clientNoContextTakeover: false, serverNoContextTakeover: false })
  t.not(compression.inflater(), compression.inflater())
  t.not(compression.deflater(), compression.deflater())
})

t.test('those who share an inflater inflate at the same time, and one that stops leaves the others alone', async t => {
  const inflater = create(1024 * 1024).of(parameters).inflater()
  const clients = Array.from({ length: 6 }, () => ({}))
  const payload = deflated('ab'.repeat(500_000))
  const settled = Promise.allSettled(clients.map(async client => await inflater.inflate(payload, client)))
  inflater.stop(clients[5])
  const outcomes = await settled
  t.same(outcomes.map(({ status }) => status), [...Array<string>(5).fill('fulfilled'), 'rejected'])
})
