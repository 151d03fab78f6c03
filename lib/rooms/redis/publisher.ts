import { FST_ERR_WS_ADAPTER_UNAVAILABLE } from '../../errors.ts'
import { outside } from '../../outside.ts'
import type { Carrier } from './carrier.ts'
import { errorOf } from './redis-port.ts'
import type { Session } from './session.ts'

/** The most bytes that are joined to one message. */
const mostBytes = 1_048_576

/** Envelopes for one channel, which leave in one PUBLISH. */
class Batch {
  readonly key: string
  readonly parts: Buffer[] = []
  readonly settled: Promise<void>
  size = 0
  resolve: () => void = () => {}
  reject: (error: Error) => void = () => {}

  constructor (key: string) {
    this.key = key
    this.settled = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }

  add (bytes: Buffer): Promise<void> {
    this.parts.push(bytes)
    this.size += bytes.length
    return this.settled
  }
}

/** Publishes what comes in one turn of the event loop in one round trip. */
export class Publisher {
  readonly #carrier: Carrier
  /** In the order in which they leave. */
  #batches: Batch[] = []
  /** The last batch of each channel. */
  readonly #open = new Map<string, Batch>()

  constructor (carrier: Carrier) {
    this.#carrier = carrier
  }

  /** Settles when Redis has it. */
  add (key: string, bytes: Buffer): Promise<void> {
    let batch = this.#open.get(key)
    if (batch === undefined || batch.size + bytes.length > mostBytes) {
      batch = new Batch(key)
      this.#open.set(key, batch)
      if (this.#batches.push(batch) === 1) outside(() => setImmediate(() => { void this.flush() }))
    }
    return batch.add(bytes)
  }

  /** Sends what waits for the end of the turn. */
  async flush (): Promise<void> {
    const batches = this.#batches
    if (batches.length === 0) return
    this.#batches = []
    this.#open.clear()
    let session: Session
    try {
      session = this.#carrier.session
    } catch (error) {
      for (const batch of batches) batch.reject(errorOf(error))
      return
    }
    const command = session.publishCommand
    const results = await session.send(batches.map(({ key, parts }) => ({ key, command: [command, key, parts.length === 1 ? parts[0] : Buffer.concat(parts)] })))
    for (const [index, result] of results.entries()) {
      if (result.status === 'fulfilled') batches[index].resolve()
      else batches[index].reject(new FST_ERR_WS_ADAPTER_UNAVAILABLE(errorOf(result.reason).message))
    }
  }
}
