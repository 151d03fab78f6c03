// What every server of the fan-out shares.
import { answerParent } from '../common.mjs'
import { setTimeout as delay } from 'node:timers/promises'

export const job = JSON.parse(process.argv[2])
export const room = 'ticker'
/** Longer than any round, so that nothing but messages comes. */
export const quietMs = 600_000
export const backlog = 4096

let members = 0

/** A member gets whatever is sent from now on. */
export function onJoined () {
  members++
}

async function joined ({ members: expected }) {
  const until = performance.now() + 60_000
  const haveJoined = () => members >= expected
  while (!haveJoined()) {
    if (performance.now() > until) throw new Error(`${members} of ${expected} members have joined within a minute`)
    await delay(10)
  }
  return { joined: members }
}

/** @param versions of what it is made of, by their names */
export function ready (port, versions) {
  answerParent({ joined })
  process.send({ versions, pid: process.pid, servers: [{ port, pid: process.pid }] })
}
