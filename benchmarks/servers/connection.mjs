// The work of ws, and of what is built on it, with one connection.
import { job } from './serve.mjs'
import { textHandlerOf } from './typed.mjs'

const members = new Set()

const works = {
  echo: connection => connection.on('message', (payload, isBinary) => connection.send(payload, { binary: isBinary })),
  typed: answering,
  union: answering,
  broadcast (connection, isPublisher) {
    if (isPublisher) {
      connection.on('message', payload => {
        for (const member of members) member.send(payload, { binary: false })
      })
    } else {
      members.add(connection)
      connection.on('close', () => members.delete(connection))
    }
  }
}
works.text = works.echo
works.hooked = works.echo

const answer = job.work === 'typed' || job.work === 'union' ? textHandlerOf(job.work) : null

function answering (connection) {
  connection.on('message', payload => {
    const reply = answer(payload)
    if (reply !== undefined) connection.send(reply)
  })
}

export function serve (connection, { url }) {
  connection.on('error', () => {})
  works[job.work](connection, url.startsWith('/publish'))
}

/** What ws is told about compression. */
export const perMessageDeflate = {
  undefined: false,
  takeover: true,
  alone: { serverNoContextTakeover: true, clientNoContextTakeover: true }
}[job.deflate]
