import { deflateRawSync, constants } from 'node:zlib'
import t from 'tap'
import { buildApp, listen } from '../helpers/app.ts'
import { binary, continuation, frame, ping, text } from '../helpers/bytes.ts'
import { RawClient } from '../helpers/raw-client.ts'

const maxPayload = 256 * 1024
const processBudget = 2 * 1024 * 1024
const ofEach = 10

function bomb (length: number): Buffer {
  const deflated = deflateRawSync(Buffer.alloc(length), { finishFlush: constants.Z_SYNC_FLUSH })
  return binary(deflated.subarray(0, -4), { rsv: 4 })
}

/** What each sends; those that read do so, the others never. */
const attacks = [
  { reads: true, bytes: bomb(16 * maxPayload) },
  { reads: false, bytes: Buffer.concat(Array<Buffer>(20).fill(bomb(maxPayload))) },
  { reads: true, bytes: Buffer.concat([binary('x', { fin: false }), ...Array<Buffer>(maxPayload - 2).fill(continuation('x', { fin: false }))]) },
  { reads: false, bytes: Buffer.concat(Array<Buffer>(10_000).fill(ping('p'.repeat(125)))) },
  { reads: true, bytes: frame({ opcode: 2, payload: Buffer.alloc(maxPayload - 1), length: maxPayload }) },
  { reads: false, bytes: Buffer.concat(Array<Buffer>(64).fill(binary(Buffer.alloc(16 * 1024)))) }
]

t.test('a hostile mix stays within the budget of the process, and an honest client is answered meanwhile and afterwards', async t => {
  const app = await buildApp(t, { maxPayload, perMessageDeflate: true, budget: { process: processBudget } })
  app.ws('/', { codec: 'raw' }, message => message)
  const port = await listen(app)
  const honest = await RawClient.open(port, '/')
  const echo = async (message: string): Promise<void> => {
    honest.write(text(message))
    t.match(await honest.frame(), { opcode: 1, payload: Buffer.from(message) })
    const { held } = app.wsStats().memory
    if (held > processBudget) t.fail(`${held} bytes are held`)
  }

  const hostile = await Promise.all(Array.from({ length: ofEach * attacks.length }, async (_, index) => {
    const { reads, bytes } = attacks[index % attacks.length]
    const client = await RawClient.open(port, '/', { headers: { 'Sec-WebSocket-Extensions': 'permessage-deflate' } })
    client.socket.removeAllListeners('data')
    if (reads) client.socket.resume()
    else client.socket.pause()
    return { client, bytes }
  }))
  for (const { client, bytes } of hostile) client.write(bytes)
  let echoes = 0
  while (app.wsStats().memory.shed === 0 || echoes < 50) await echo(`echo ${echoes++}`)

  for (const { client } of hostile) client.socket.destroy()
  // What another thread is inflating is held until it is done.
  while (app.wsConnections.size > 1 || app.wsStats().memory.held > 0) await echo('still here')
  t.pass('nothing is left of them')
})
