import { deflateRaw, inflateRaw } from 'node:zlib'
import type { ZlibOptions } from 'node:zlib'
import { promisify } from 'node:util'

interface WaitingJob {
  readonly start: () => void
  readonly giveUp: (error: Error) => void
}

/** What a job that was given up rejects with. */
export const givenUp = new Error('nobody waits for this any more')

/** What inflating came to, and how much of the input that took: less than all of it where a final block ended the stream. */
export interface Inflated {
  readonly buffer: Buffer
  readonly engine: { readonly bytesWritten: number }
}

// The types of Node leave out what `info: true` makes of the result.
const inflateOnThread = promisify(inflateRaw) as never as (input: Buffer, options: ZlibOptions) => Promise<Inflated>

/** Inflates on another thread. A message may take several of these: they are one job, so that few hold what came out so far. */
export function inflate (input: Buffer, options: ZlibOptions): Promise<Inflated> {
  return inflateOnThread(input, { ...options, info: true })
}

/** Deflates on another thread. */
export const deflate: (input: Buffer, options: ZlibOptions) => Promise<Buffer> = promisify(deflateRaw)

/** Jobs of one kind, a few at a time and the others in turn. */
export class ZlibJobs {
  readonly #mostAtOnce: number
  #running = 0
  /** In order, by whom they are for. */
  readonly #waiting = new Map<object, WaitingJob>()

  constructor (mostAtOnce: number) {
    this.#mostAtOnce = mostAtOnce
  }

  /** @param owner whom the job is for, who has no other */
  async inTurn<Result> (owner: object, job: () => Promise<Result>): Promise<Result> {
    if (this.#running < this.#mostAtOnce) this.#running++
    else await new Promise<void>((resolve, reject) => { this.#waiting.set(owner, { start: resolve, giveUp: reject }) })
    try {
      return await job()
    } finally {
      this.#startNext()
    }
  }

  /** Drops the job that waits for its turn: its owner has gone, and what it holds should. One that runs goes on. */
  giveUp (owner: object): void {
    const job = this.#waiting.get(owner)
    this.#waiting.delete(owner)
    job?.giveUp(givenUp)
  }

  #startNext (): void {
    const { done, value } = this.#waiting.entries().next()
    if (done === true) {
      this.#running--
      return
    }
    const [owner, job] = value
    this.#waiting.delete(owner)
    job.start()
  }
}

/**
 * Of this process: together less than libuv's four threads, so that files and names are still looked up. What clients send can't keep what
 * they are sent from being compressed.
 */
export const inflating = new ZlibJobs(2)
export const deflating = new ZlibJobs(1)
