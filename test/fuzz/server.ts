import assert from 'node:assert/strict'
import type { FuzzClient } from './fuzz-client.ts'
import { requestFor, routes, session } from './server-input.ts'
import type { Route } from './server-input.ts'
import { checkFrames, checkReply } from './server-oracle.ts'
import { ServerTarget } from './server-target.ts'
import type { Pieces, Target } from './target.ts'
import { readWire } from './wire.ts'

/** Handshakes, frames and JSON of all kinds. */
class HandshakesAndFrames extends ServerTarget {
  readonly name = 'server'
  readonly generate = session

  isGood (pieces: Pieces): boolean {
    return routeOf(pieces) !== undefined
  }

  checkReceived (client: FuzzClient, pieces: Pieces, isWhole: boolean): void {
    const { replies, frames, rest } = readWire(client.received)
    for (const reply of replies) checkReply(reply)
    const route = routeOf(pieces)
    if (route === undefined) return
    assert.equal(client.isReset, false, 'the server reset a connection that keeps to HTTP')
    if (!isWhole) return
    assert.deepEqual(replies.map(({ status }) => status), [101])
    assert.equal(rest.length, 0, 'half a frame at the end')
    checkFrames(route, Buffer.concat(pieces.slice(1)), frames)
  }
}

/** The route whose good handshake an input begins with. */
function routeOf (pieces: Pieces): Route | undefined {
  return routes.find(route => requestFor(route).equals(pieces[0]))
}

export const server: Target = new HandshakesAndFrames()
