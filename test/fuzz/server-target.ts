import type { FuzzClient as Client } from './fuzz-client.ts'
import { FuzzClient } from './fuzz-client.ts'
import { chunked } from './mutations.ts'
import type { Random } from './random.ts'
import { Running } from './running-server.ts'
import type { Pieces, Target } from './target.ts'

/** A real server: whatever a client sends and however it goes, the replies are well-formed, nothing of it stays, and others are served. */
export abstract class ServerTarget implements Target {
  abstract readonly name: string
  #running: Running | null = null

  abstract generate (random: Random): Buffer[]

  /** Whether an input begins with a handshake that is sure to be answered before what follows it. */
  abstract isGood (pieces: Pieces): boolean

  /** @param isWhole whether the client was there until the server had ended, and has all that it sent */
  abstract checkReceived (client: Client, pieces: Pieces, isWhole: boolean): void

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
      const isWhole = await talk(client, pieces, random, random.oneIn(2) && this.isGood(pieces))
      this.checkReceived(client, pieces, isWhole)
    } finally {
      await client.destroy()
    }
    try {
      await this.#running.isUnharmed()
    } catch (error) {
      // What goes on with this one would show the same fault.
      await this.#running.drop()
      await this.start()
      throw error
    }
  }
}

/** Sends everything and ends as one should, or goes at a random moment. Answers whether all that the server sent was received. */
async function talk (client: Client, pieces: Pieces, random: Random, waits: boolean): Promise<boolean> {
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

function leave (client: Client, random: Random): false {
  if (random.oneIn(3)) client.halfClose()
  else if (random.oneIn(2)) client.reset()
  return false
}
