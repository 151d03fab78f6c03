import { deflateRaw, inflateRaw } from 'node:zlib'
import type { ZlibOptions } from 'node:zlib'
import { promisify } from 'node:util'

/** How many jobs of this process zlib does at once: less than libuv's four threads, so that files and names are still looked up. */
const mostAtOnce = 3

interface WaitingJob {
  readonly start: () => void
  readonly giveUp: (error: Error) => void
}

let running = 0
/** In order, by whom they are for: each has one at most. */
const waiting = new Map<object, WaitingJob>()

/** What a job that was given up rejects with. */
export const givenUp = new Error('nobody waits for this any more')

/** What inflating came to, and how much of the input that took: less than all of it where a final block ended the stream. */
export interface Inflated {
  readonly buffer: Buffer
  readonly engine: { readonly bytesWritten: number }
}

// The types of Node leave out what `info: true` makes of the result.
const inflateOnThread = promisify(inflateRaw) as never as (input: Buffer, options: ZlibOptions) => Promise<Inflated>
const deflate: (input: Buffer, options: ZlibOptions) => Promise<Buffer> = promisify(deflateRaw)

/** Inflates on another thread. A message may take several of these: they are one job, so that few hold what came out so far. */
export function inflate (input: Buffer, options: ZlibOptions): Promise<Inflated> {
  return inflateOnThread(input, { ...options, info: true })
}

/** Deflates on another thread, in turn. */
export function deflateLater (owner: object, input: Buffer, options: ZlibOptions): Promise<Buffer> {
  return inTurn(owner, () => deflate(input, options))
}

/**
 * Runs a job when fewer than `mostAtOnce` do.
 *
 * @param owner whom it is for, who has no other
 */
export async function inTurn<Result> (owner: object, job: () => Promise<Result>): Promise<Result> {
  if (running < mostAtOnce) running++
  else await new Promise<void>((resolve, reject) => { waiting.set(owner, { start: resolve, giveUp: reject }) })
  try {
    return await job()
  } finally {
    startNext()
  }
}

/** Drops the job that waits for its turn: its owner has gone, and what it holds should. One that runs goes on. */
export function giveUpJob (owner: object): void {
  const job = waiting.get(owner)
  waiting.delete(owner)
  job?.giveUp(givenUp)
}

function startNext (): void {
  const { done, value } = waiting.entries().next()
  if (done === true) {
    running--
    return
  }
  const [owner, job] = value
  waiting.delete(owner)
  job.start()
}
