import { deflateRaw, inflateRaw } from 'node:zlib'
import type { ZlibOptions } from 'node:zlib'
import { promisify } from 'node:util'

/** How many jobs of this process zlib does at once: less than libuv's four threads, so that files and names are still looked up. */
const mostAtOnce = 3

let running = 0
const waiting: Array<() => void> = []

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
export function deflateLater (input: Buffer, options: ZlibOptions): Promise<Buffer> {
  return inTurn(() => deflate(input, options))
}

/** Runs a job when fewer than `mostAtOnce` do. */
export async function inTurn<Result> (job: () => Promise<Result>): Promise<Result> {
  if (running < mostAtOnce) running++
  else await new Promise<void>(resolve => { waiting.push(resolve) })
  try {
    return await job()
  } finally {
    const next = waiting.shift()
    if (next === undefined) running--
    else next()
  }
}
