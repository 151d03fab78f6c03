// The page: it says a number every few milliseconds, and keeps a record of what was taken and of what came.
import { connect, WsClientError } from 'fastify-typed-ws/client'
import type { feed } from './contract.ts'
import type { FeedRecord } from './record.ts'

const author = new URLSearchParams(location.search).get('author') ?? ''
const feedRecord: FeedRecord = { taken: [], came: [], joins: [], states: [], faults: [] }
window.feedRecord = feedRecord

const mostQueued = 1_000
const socket = connect<typeof feed>('/feed', { reconnect: { base: 30, cap: 300 }, queue: { size: mostQueued }, requestTimeout: 60_000 })
socket.onState(({ state }) => { feedRecord.states.push(state) })
socket.on('said', said => {
  const number: number = said.number
  feedRecord.came.push(`${said.author} ${number}`)
  // @ts-expect-error it has no such field
  void said.text
})
socket.on('error', ({ message }) => { feedRecord.faults.push(message) })
socket.on('gap', ({ eventId }) => { feedRecord.faults.push(`gap before ${eventId}`) })
// @ts-expect-error no such message is sent
socket.on('heard', () => {})

const first = await socket.join('feed', ({ recovered, replayed }) => { feedRecord.joins.push({ recovered, replayed }) })
const eventId: string | null = first.eventId
if (eventId === null) feedRecord.faults.push('the room has no history')

let timer: ReturnType<typeof setInterval> | undefined
const said: Array<Promise<void>> = []
let last = 0

window.begin = () => {
  timer = setInterval(() => {
    // A server that starts slowly leaves it no room for more.
    if (socket.queued < mostQueued) said.push(say(++last))
  }, 15)
}

window.finish = async () => {
  clearInterval(timer)
  await Promise.all(said)
}

async function say (number: number): Promise<void> {
  try {
    const reply = await socket.request({ type: 'say', room: 'feed', author, number })
    const type: 'taken' = reply.type
    if (type === 'taken') feedRecord.taken.push(number)
  } catch (error) {
    // It had left when the server was killed: it may have been taken or not.
    if (!(error instanceof WsClientError && error.code === 'WS_CLIENT_LOST')) feedRecord.faults.push(String(error))
  }
}

// @ts-expect-error the number is missing
void (() => socket.request({ type: 'say', room: 'feed', author }))
// @ts-expect-error no such message is received
void (() => socket.send({ type: 'shout' }))
