import { constants, deflateRawSync } from 'node:zlib'
import t from 'tap'
import type { Connection } from '../types/index.ts'
import { buildApp, listen } from './helpers/app.ts'
import { binary, frame } from './helpers/bytes.ts'
import { published } from './helpers/published.ts'
import { RawClient } from './helpers/raw-client.ts'

const bomb = deflateRawSync(Buffer.alloc(100_000), { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4)

const tooBig: Readonly<Record<string, Buffer>> = {
  'in one frame': binary(Buffer.alloc(1_001)),
  'in fragments': Buffer.concat([frame({ opcode: 2, fin: false, payload: Buffer.alloc(600) }), frame({ opcode: 0, payload: Buffer.alloc(600) })]),
  'once inflated': frame({ opcode: 2, rsv: 4, payload: bomb })
}

for (const [title, bytes] of Object.entries(tooBig)) {
  t.test(`a message that is larger than maxPayload ${title} is counted and published`, async t => {
    const messages = published(t, 'too-big')
    const app = await buildApp(t, { maxPayload: 1_000, perMessageDeflate: true })
    const opened: Connection[] = []
    app.ws('/', { codec: 'raw', onOpen (connection) { opened.push(connection) } }, () => {})
    const client = await RawClient.open(await listen(app), '/', { headers: { 'Sec-WebSocket-Extensions': 'permessage-deflate' } })
    client.write(bytes)
    t.equal((await client.closeFrame()).code, 1009)
    t.equal(messages.length, 1)
    t.equal(messages[0].connection, opened[0])
    t.equal(messages[0].maxPayload, 1_000)
    t.equal(app.wsStats().memory.tooBig, 1)
    client.socket.destroy()
  })
}
