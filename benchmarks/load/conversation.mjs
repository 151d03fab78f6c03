// What the load of a scenario says, and what it expects to hear.
import { messagesOf } from '../messages.mjs'
import { replyBytes, requestBytes } from '../wire.mjs'
import { compressedRequests } from './compressed.mjs'
import { ExpectedReplies, FrameReader } from './replies.mjs'
import { Requests } from './requests.mjs'

/** Requests, of which a client sends no more than `atOnce` at once, and a reader of the replies for each client. */
export async function converse (job, atOnce) {
  const messages = messagesOf(job).map(({ message, reply }) => ({ message: job.language.payloads(message), reply: job.language.payloads(reply) }))
  if (job.deflate !== undefined) {
    const compressed = await compressedRequests(job, messages.map(({ message }) => message[0].payload), atOnce)
    return { ...compressed, reader: () => new FrameReader() }
  }
  const requests = messages.map(({ message }) => requestBytes(message, job.fragments))
  const replies = new ExpectedReplies(messages.map(({ reply }) => replyBytes(reply)))
  return { requests: new Requests(requests, requests, atOnce), reader: () => replies.reader() }
}
