// A publisher and all members, in a process of their own: `fork('load.mjs', [JSON of server, ports, members])`.
import { answerParent, frame } from '../common.mjs'
import { Client, memory, openAll } from '../load/client.mjs'
import { FrameReader } from '../load/replies.mjs'
import { Samples } from '../load/samples.mjs'
import { languageOf } from '../wire.mjs'
import { message, Messages } from './message.mjs'

const { server, ports, members } = JSON.parse(process.argv[2])
const language = languageOf(server)

/** One of so many members reads as soon as there is something, and looks at the clock in each message. The others count frames, and no oftener than every `turns` ms: what they cost would be taken from the servers. */
const oneOf = 100
const turns = 40

const samples = new Samples()
let publisher
const polled = []
let delivered = 0
let published = 0

let rate = 0
let startedAt = 0
let sent = 0
let turn = 0

async function open () {
  const all = (await Promise.all(ports.map(port => openAll(members, () => Client.open({ port, language, extensions: null }))))).flat()
  for (const [index, client] of all.entries()) {
    if (index % oneOf === 0) sample(client)
    else poll(client)
  }
  publisher = await Client.open({ port: ports[0], language, extensions: null }, 'publish')
  publisher.onBytes = () => { throw new Error(`the publisher was answered: ${memory.toString('latin1', 0, 200)}`) }
  setInterval(onTurn, 1)
}

function sample (client) {
  const frames = new FrameReader()
  const messages = new Messages(at => samples.add(performance.now() - at))
  client.onBytes = length => {
    delivered += frames.take(length)
    messages.push(memory.latin1Slice(0, length))
  }
}

function poll (client) {
  const frames = new FrameReader()
  client.onBytes = length => { delivered += frames.take(length) }
  client.isPolled = true
  polled.push(client)
}

/** Every millisecond or so: what is due is published, and a part of the members read. */
function onTurn () {
  if (rate > 0) publishDue()
  const from = turn++ % turns
  for (let index = from; index < polled.length; index += turns) polled[index].readOnce()
}

function publishDue () {
  const due = Math.floor((performance.now() - startedAt) / 1000 * rate)
  if (sent >= due) return
  const frames = []
  while (sent < due) {
    const [{ opcode, payload }] = language.payloads(message(published++, startedAt + ++sent / rate * 1000))
    frames.push(frame(payload, { opcode }))
  }
  publisher.write(Buffer.concat(frames))
}

/** Until everybody has everything, or nothing has come for so many milliseconds: then what is missing is lost. */
async function drained ({ patience }) {
  rate = 0
  const expected = published * members * ports.length
  let seen = delivered
  let seenAt = performance.now()
  const isDone = () => delivered >= expected || performance.now() - seenAt >= patience
  while (!isDone()) {
    await new Promise(resolve => setTimeout(resolve, 5))
    if (delivered !== seen) seenAt = performance.now()
    seen = delivered
  }
  const missing = expected - delivered
  if (missing < 0) throw new Error(`${-missing} deliveries came that nobody has published`)
  delivered = expected
  return { missing, at: seenAt / 1000 }
}

answerParent({
  open,
  start ({ rate: aSecond }) {
    rate = aSecond
    startedAt = performance.now()
    sent = 0
  },
  mark: () => ({ members: members * ports.length, delivered, published, at: performance.now() / 1000, ...samples.take() }),
  drained
})
process.send({ pid: process.pid })
