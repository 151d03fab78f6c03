import { createHash, randomUUID } from 'node:crypto'
import { open, rm } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import createError from '@fastify/error'
import type { Connection } from 'fastify-typed-ws'
import { chunkSize } from './messages.ts'

const TakenOver = createError('UPLOAD_TAKEN_OVER', 'this upload goes on over another connection', 409)
const WrongOffset = createError<[number]>('UPLOAD_OFFSET', 'the next byte is that at %s', 409)
const WrongChunk = createError<[string]>('UPLOAD_CHUNK', 'a chunk is %s', 400)
const Incomplete = createError<[number, number]>('UPLOAD_INCOMPLETE', '%s bytes of %s are here', 409)
const Over = createError('UPLOAD_OVER', 'the upload is over', 409)

/** How long the disk pretends to need for a chunk, at most, in milliseconds: a client would take it for gone. */
const slowest = 5000

/** One file on its way: bytes are taken in their order, one chunk at a time, from one connection. */
export class Upload {
  readonly id = randomUUID()
  readonly size: number
  readonly #path: string
  readonly #file: FileHandle
  readonly #hash = createHash('sha256')
  readonly #ended = new AbortController()
  readonly #hurry: AbortSignal
  #owner: Connection
  #received = 0
  #last: Promise<unknown> = Promise.resolve()
  #sha256: string | null = null
  #usedAt = Date.now()

  private constructor (path: string, file: FileHandle, size: number, owner: Connection, hurry: AbortSignal) {
    this.size = size
    this.#path = path
    this.#file = file
    this.#owner = owner
    this.#hurry = AbortSignal.any([hurry, this.#ended.signal])
  }

  /** @param hurry aborted when the disk is to pretend no more */
  static async create (folder: string, size: number, owner: Connection, hurry: AbortSignal): Promise<Upload> {
    const path = join(folder, randomUUID())
    return new Upload(path, await open(path, 'wx', 0o600), size, owner, hurry)
  }

  /** How much of it is on the disk. */
  get received (): number {
    return this.#received
  }

  get isComplete (): boolean {
    return this.#sha256 !== null
  }

  /** Whether its connection is gone. It may go on over another one. */
  get isAbandoned (): boolean {
    return this.#owner.readyState === 3
  }

  /** When it was last heard of. */
  get usedAt (): number {
    return this.#usedAt
  }

  /** From here on this connection brings it. Settles when nothing of the former one is being written any more. */
  async takeOver (connection: Connection): Promise<void> {
    this.#owner = connection
    await this.#inTurn(async () => {})
  }

  /**
   * Settles when the chunk is on the disk: until then the client's next one is not even read.
   *
   * @param bytesPerSecond how slow the disk pretends to be; 0 for as fast as it is
   * @throws UPLOAD_CHUNK, UPLOAD_OFFSET, UPLOAD_TAKEN_OVER, UPLOAD_OVER
   */
  async write (connection: Connection, offset: number, data: Uint8Array, bytesPerSecond: number): Promise<void> {
    if (data.length === 0 || data.length > chunkSize) throw new WrongChunk(`1 to ${chunkSize} bytes`)
    await this.#inTurn(async () => {
      this.#mustBeOf(connection)
      if (this.#sha256 !== null) throw new Over()
      if (offset !== this.#received) throw new WrongOffset(this.#received)
      if (offset + data.length > this.size) throw new WrongChunk('within the size that was announced')
      await this.#store(data)
      if (bytesPerSecond > 0) await this.#pretend(data.length / bytesPerSecond * 1000)
    })
  }

  /**
   * The SHA-256 of what is on the disk.
   *
   * @throws UPLOAD_INCOMPLETE, UPLOAD_TAKEN_OVER
   */
  async finish (connection: Connection): Promise<string> {
    return await this.#inTurn(async () => {
      this.#mustBeOf(connection)
      if (this.#received < this.size) throw new Incomplete(this.#received, this.size)
      if (this.#sha256 === null) {
        this.#sha256 = this.#hash.digest('hex')
        await this.#file.close()
      }
      return this.#sha256
    })
  }

  /** Its file is gone then. */
  async remove (): Promise<void> {
    this.#ended.abort()
    // Whoever wrote last has been told why it failed.
    await this.#last.catch(() => {})
    if (this.#sha256 === null) await this.#file.close()
    await rm(this.#path, { force: true })
  }

  async #store (data: Uint8Array): Promise<void> {
    try {
      await this.#file.appendFile(data)
    } catch (error) {
      // How much of it was written is not known.
      this.#ended.abort()
      throw error
    }
    this.#hash.update(data)
    this.#received += data.length
  }

  async #pretend (duration: number): Promise<void> {
    await delay(Math.min(duration, slowest), undefined, { signal: this.#hurry }).catch(() => {})
  }

  /** One after the other, from whichever connection. */
  async #inTurn<Result> (work: () => Promise<Result>): Promise<Result> {
    this.#usedAt = Date.now()
    const turn = this.#last.then(async () => {
      if (this.#ended.signal.aborted) throw new Over()
      return await work()
    })
    this.#last = turn.catch(() => {})
    return await turn
  }

  #mustBeOf (connection: Connection): void {
    if (connection !== this.#owner) throw new TakenOver()
  }
}
