import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import type { FastifyInstance } from 'fastify'
import { pong } from '../helpers/bytes.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { buildServer } from './server-app.ts'
import { until } from './until.ts'

/** The server, an honest client, and what the process had open before. */
export class Running {
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
    await canary.frame()
    return new Running(app, canary, before)
  }

  readonly #onFailure = (error: unknown): void => {
    this.#failures.push(error)
  }

  /** The honest client is served, and nothing is left of the others. */
  async isUnharmed (): Promise<void> {
    const id = ++this.#echo
    this.#canary.send({ type: 'say', room: 'canary', text: 'still there?', id })
    assert.deepEqual(await this.#reply(), { id, type: 'heard', text: 'still there?' }, 'the honest client')
    await this.#holds(1)
  }

  /** What the honest client is answered; it answers pings, and hears what is said in its room. */
  async #reply (): Promise<unknown> {
    for (;;) {
      const { opcode, payload } = await this.#canary.frame()
      if (opcode === 9) {
        this.#canary.write(pong(payload))
        continue
      }
      assert.equal(opcode, 1, 'what the honest client gets')
      const message = JSON.parse(payload.toString()) as { type: string }
      if (message.type !== 'said') return message
    }
  }

  /** Ends it whatever state it is in. */
  async drop (): Promise<void> {
    this.#canary.socket.destroy()
    await this.#app.close()
    this.#ignoreFailures()
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
      this.#ignoreFailures()
    }
  }

  #ignoreFailures (): void {
    process.off('uncaughtException', this.#onFailure)
    process.off('unhandledRejection', this.#onFailure)
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
