import t from 'tap'
import { Compressions } from '../../lib/connection/compression.ts'
import { encodeMessage } from '../../lib/protocol/frame-encoder.ts'
import { hex } from '../helpers/bytes.ts'

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

t.test('each asks for an inflater of its own, which keeps to the limit of the route', async t => {
  const compression = create(4).of(parameters)
  t.not(compression.newInflater(), compression.newInflater())
  // RFC 7692 section 7.2.3.1: "Hello".
  t.throws(() => compression.newInflater().inflate(hex('f248cdc9c90700')), { message: 'the message is larger than maxPayload' })
})

t.test('each asks for a deflater of its own, which compresses as the route does', async t => {
  const compression = create().of(parameters)
  t.not(compression.newDeflater(), compression.newDeflater())
  const short = encodeMessage('a'.repeat(15))
  t.equal(compression.newDeflater().compress(short, false), short, 'below the threshold')
  const long = encodeMessage('a'.repeat(100))
  t.ok((compression.newDeflater().compress(long, false) as Buffer).length < 20)
})
