// Clients that say nothing but pongs, in a process of their own: `fork('clients.mjs', [port])`.
import { answerParent, frame } from '../common.mjs'
import { Client, memory, openAll } from '../load/client.mjs'
import { languageOf } from '../wire.mjs'

const pong = frame(Buffer.alloc(0), { opcode: 10 })
/** FIN and opcode 9, and no payload: a ping of the heartbeat. */
const ping = Buffer.from([0x89, 0])

const job = { port: Number(process.argv[2]), language: languageOf('fastify-typed-ws'), extensions: null }
let pings = 0

async function open () {
  const client = await Client.open(job)
  client.onBytes = length => {
    if (!memory.subarray(0, length).equals(ping)) throw new Error(`not a ping: ${memory.toString('hex', 0, length)}`)
    pings++
    client.write(pong)
  }
}

answerParent({
  open: async ({ count }) => { await openAll(count, open) },
  pings: () => pings
})
process.send({})
