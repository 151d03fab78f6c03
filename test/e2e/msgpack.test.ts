import { decode, encode } from '@msgpack/msgpack'
import t from 'tap'
import { checkLengths } from '../../examples/support/msgpack-lengths.ts'
import { buildExample } from '../helpers/example.ts'

const announced: Record<string, string> = {
  'an array of a thousand': 'dc03e8',
  'arrays within arrays': 'dc0100'.repeat(8),
  'an array of four thousand million': 'ddffffffff',
  'a map': 'df0fffffff',
  'short ones': '9f8f',
  'an array whose length is cut off': 'dd01',
  'an array that has one entry less than it says': '93c0c0'
}

for (const [title, hex] of Object.entries(announced)) {
  t.test(`${title} is refused before anything is made of it`, async t => {
    t.throws(() => checkLengths(Buffer.from(hex, 'hex')), RangeError)
  })
}

t.test('whatever can be encoded passes', async t => {
  const text = (length: number): string => 'ä'.repeat(length)
  const values = [
    null, true, 0, -1, -33, 127, 128, 256, 65536, 2 ** 40, -200, -40_000, -(2 ** 40), 1.5, '', text(3), text(40), text(200), text(40_000), new Date(0), new Date(1.5), new Date(2 ** 45),
    new Uint8Array(3), new Uint8Array(300), new Uint8Array(70_000), [], Array.from({ length: 20 }, String), Array.from({ length: 70_000 }, () => 0), {},
    Object.fromEntries(Array.from({ length: 20 }, (_, index) => [text(index), index])), Object.fromEntries(Array.from({ length: 70_000 }, (_, index) => [index, null]))
  ]
  for (const value of [...values, values]) t.doesNotThrow(() => checkLengths(Buffer.from(encode(value))))
})

t.test('who announces more than he sends to an example is told so, and the next message is handled', async t => {
  const app = await buildExample(t, 'whiteboard')
  const client = await app.injectWS('/whiteboard', { headers: { 'sec-websocket-protocol': 'msgpack' } })
  const receive = async (): Promise<{ type: string }> => decode(await client.receive<Buffer>()) as { type: string }
  t.match(await receive(), { type: 'heartbeat' })
  client.send(Buffer.from('dd000fffff'.repeat(100), 'hex'))
  t.match(await receive(), { type: 'error', code: 'FST_ERR_WS_INVALID_MESSAGE', errors: [{ message: 'the message announces more than it has' }] })
  client.send(Buffer.from(encode({ type: 'undo' })))
  t.match(await receive(), { type: 'error', code: 'WHITEBOARD_NOT_AT_BOARD' })
})
