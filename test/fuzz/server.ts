import assert from 'node:assert/strict'
import { promisify } from 'node:util'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { RawClient } from '../helpers/raw-client.ts'
import { FuzzClient } from './fuzz-client.ts'
import { chunked } from './mutations.ts'
import type { Random } from './random.ts'
import { buildServer } from './server-app.ts'
import { requestFor, routes, session } from './server-input.ts'
import { checkFrames, checkReply } from './server-oracle.ts'
import type { Pieces, Target } from './target.ts'
import { until } from './until.ts'
import { readWire } from './wire.ts'

/** A real server: whatever a client sends and however it goes, the replies are well-formed, nothing of it stays, and others are served. */
class ServerTarget implements Target {
  readonly name = 'server'
  readonly generate = session
  #running: Running | null = null

  async start (): Promise<void> {
    this.#running = await Running.start()
  }

  async stop (): Promise<void> {
    const running = this.#running
    this.#running = null
    await running?.stop()
  }

  async check (pieces: Pieces, random: Random): Promise<void> {
    if (this.#running === null || pieces.length === 0) return
    const client = await FuzzClient.connect(this.#running.port)
    try {
      const isWhole = await talk(client, pieces, random)
      checkWire(client, pieces, isWhole)
    } finally {
      await client.destroy()
    }
    await this.#running.isUnharmed()
  }
}

/** Sends everything and ends as one should, or goes at a random moment. Answers whether all that the server sent was received. */
async function talk (client: FuzzClient, pieces: Pieces, random: Random): Promise<boolean> {
  const waits = random.oneIn(2)
  const parts = [chunksOf(random, pieces[0]), chunksOf(random, Buffer.concat(pieces.slice(1)))]
  const length = parts[0].length + parts[1].length
  let left = random.oneIn(3) ? random.below(length + 1) : Infinity
  for (const [index, chunks] of parts.entries()) {
    if (index === 1 && waits && left > 0 && pieces.length > 1) await client.answered()
    for (const chunk of chunks) {
      if (left-- <= 0) return leave(client, random)
      await client.write(chunk)
    }
  }
  await client.finish()
  return !client.isReset
}

/** A few chunks: each one is a write of its own. */
function chunksOf (random: Random, bytes: Buffer): Buffer[] {
  const chunks = chunked(random, bytes)
  return chunks.length <= 24 ? chunks : [...chunks.slice(0, 23), Buffer.concat(chunks.slice(23))]
}

function leave (client: FuzzClient, random: Random): false {
  if (random.oneIn(3)) client.halfClose()
  else if (random.oneIn(2)) client.reset()
  return false
}

function checkWire (client: FuzzClient, pieces: Pieces, isWhole: boolean): void {
  const { replies, frames, rest } = readWire(client.received)
  for (const reply of replies) checkReply(reply)
  const route = routes.find(route => requestFor(route).equals(pieces[0]))
  if (route === undefined) return
  if (!isWhole) {
    assert.equal(client.isReset, false, 'the server reset a connection that keeps to HTTP')
    return
  }
  assert.deepEqual(replies.map(({ status }) => status), [101])
  assert.equal(rest.length, 0, 'half a frame at the end')
  checkFrames(route, Buffer.concat(pieces.slice(1)), frames)
}

/** The server, an honest client, and what the process had open before. */
class Running {
  readonly port: number
  readonly #app: FastifyInstance
  readonly #canary: RawClient
  readonly #before: readonly string[]
  readonly #failures: unknown[] = []
  #echo = 0

  private constructor (app: FastifyInstance, canary: RawClient, before: readonly string[]) {
    this.#app = app
    this.#canary = canary
    this.#before = before
    this.port = (app.server.address() as AddressInfo).port
    process.on('uncaughtException', this.#onFailure)
    process.on('unhandledRejection', this.#onFailure)
  }

  static async start (): Promise<Running> {
    const before = process.getActiveResourcesInfo()
    const app = await buildServer()
    await app.listen({ port: 0, host: '127.0.0.1' })
    const canary = await RawClient.open((app.server.address() as AddressInfo).port, '/json')
    canary.send({ type: 'join', room: 'lobby' })
    await canary.message()
    return new Running(app, canary, before)
  }

  readonly #onFailure = (error: unknown): void => {
    this.#failures.push(error)
  }

  /** The honest client is served, and nothing is left of the others. */
  async isUnharmed (): Promise<void> {
    const id = ++this.#echo
    this.#canary.send({ type: 'say', room: 'canary', text: 'still there?', id })
    let reply = await this.#canary.message()
    while (reply.type === 'said') reply = await this.#canary.message()
    assert.deepEqual(reply, { id, type: 'heard', text: 'still there?' }, 'the honest client')
    await this.#holds(1)
  }

  async stop (): Promise<void> {
    try {
      await this.#canary.close(1000)
      await this.#holds(0)
      await this.#app.close()
      await until('no more open than before', () => surplus(this.#before).length === 0).catch(() => {
        throw new Error(`left open: ${surplus(this.#before).join(', ')}`)
      })
      this.#checkFailures()
    } finally {
      process.off('uncaughtException', this.#onFailure)
      process.off('unhandledRejection', this.#onFailure)
    }
  }

  /** Every count is what so many honest clients make it. */
  async #holds (clients: number): Promise<void> {
    const connections = promisify(this.#app.server.getConnections.bind(this.#app.server))
    await until(`${clients} connections`, () => this.#app.wsConnections.size === clients)
    await until(`${clients} rooms`, () => this.#app.rooms.size === clients)
    await until(`${clients} sockets`, async () => await connections() === clients)
    this.#checkFailures()
  }

  #checkFailures (): void {
    const [failure] = this.#failures.splice(0)
    if (failure !== undefined) throw new Error('nobody caught an error', { cause: failure })
  }
}

/** What is open now and was not before. */
function surplus (before: readonly string[]): string[] {
  const left = [...process.getActiveResourcesInfo()]
  for (const name of before) {
    const index = left.indexOf(name)
    if (index !== -1) left.splice(index, 1)
  }
  return left
}

export const server: Target = new ServerTarget()
