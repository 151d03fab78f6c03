// Clients that compress (RFC 7692): their messages are compressed once, before anything is measured.
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import { frame } from '../common.mjs'
import { Client, memory } from './client.mjs'
import { FrameReader } from './replies.mjs'
import { Requests } from './requests.mjs'

const offers = {
  /** Each message for itself, both ways. */
  alone: 'permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits',
  /** As browsers offer it. */
  takeover: 'permessage-deflate; client_max_window_bits'
}

export const offerOf = ({ deflate }) => deflate === undefined ? null : offers[deflate]

const flushed = { finishFlush: constants.Z_SYNC_FLUSH }
/** RFC 7692 section 7.2.1: the end that is left out. */
const tail = Buffer.from([0x00, 0x00, 0xff, 0xff])

/** Asks a server what it agrees to, and makes the requests accordingly; all their replies are inflated and compared. Answers their mean size, too. */
export async function compressedRequests (job, payloads, atOnce) {
  const client = await Client.open(job)
  const agreed = /^sec-websocket-extensions: (.*)$/mi.exec(client.head)?.[1] ?? ''
  if (!agreed.includes('permessage-deflate')) throw new Error(`compression was not agreed on: ${client.head}`)
  const windowBits = Number(/client_max_window_bits=(\d+)/.exec(agreed)?.[1] ?? 15)
  const refersBack = !agreed.includes('client_no_context_takeover')
  if (refersBack !== (job.deflate === 'takeover')) throw new Error(`context takeover is not as the scenario has it: ${agreed}`)
  const cycles = compress([...payloads, ...payloads], windowBits, refersBack)
  const requests = new Requests(cycles.slice(0, payloads.length), cycles.slice(payloads.length), atOnce)
  const bytes = await check(client, requests, [...payloads, ...payloads])
  await client.close()
  return { requests, replyBytes: bytes / (2 * payloads.length) }
}

/** A window back, each message is the same as in the cycle before: so the second one may be sent over and over. */
function compress (payloads, windowBits, refersBack) {
  const window = 2 ** windowBits
  let before = Buffer.alloc(0)
  return payloads.map(payload => {
    const dictionary = refersBack && before.length > 0 ? { dictionary: before } : {}
    const deflated = deflateRawSync(payload, { ...flushed, ...dictionary, windowBits }).subarray(0, -tail.length)
    before = Buffer.concat([before, payload]).subarray(-window)
    return frame(deflated, { rsv1: true })
  })
}

/** Answers how many bytes came. */
async function check (client, requests, payloads) {
  const frames = new FrameReader()
  const chunks = []
  for (let i = 0; i < payloads.length; i++) {
    const replied = new Promise(resolve => {
      client.onBytes = length => {
        chunks.push(Buffer.from(memory.subarray(0, length)))
        if (frames.take(length) > 0) resolve()
      }
    })
    client.write(requests.next(client, 1))
    await replied
  }
  client.position = 0
  const replies = Buffer.concat(chunks)
  const inflated = inflateRawSync(Buffer.concat(deflatedPayloads(replies)), flushed)
  if (!inflated.equals(Buffer.concat(payloads))) throw new Error('what came back compressed is not what was sent')
  return replies.length
}

function deflatedPayloads (bytes) {
  const payloads = []
  for (let at = 0; at < bytes.length;) {
    if ((bytes[at] & 0xc0) !== 0xc0) throw new Error('a reply is not one compressed frame')
    const isShort = bytes[at + 1] < 126
    const start = at + (isShort ? 2 : 4)
    at = start + (isShort ? bytes[at + 1] : bytes.readUInt16BE(at + 2))
    payloads.push(bytes.subarray(start, at), tail)
  }
  return payloads
}
