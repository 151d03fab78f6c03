import { Backlog } from '../../lib/connection/backlog.ts'
import type { Deflater } from '../../lib/connection/deflater.ts'
import { SendQueue } from '../../lib/connection/send-queue.ts'
import type { SendQueueOwner } from '../../lib/connection/send-queue.ts'
import type { SlowConsumer } from '../../lib/connection/slow-consumer.ts'
import { encodeMessage } from '../../lib/protocol/frame-encoder.ts'
import { FakeTransport } from './fake-transport.ts'

const immediate = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** How much a frame of a text of so many bytes counts for while it waits. */
export const sizeOf = (text: string): number => Backlog.sizeOf(encodeMessage(text))

/** A queue that keeps what it tells. */
export class Sender implements SendQueueOwner {
  readonly transport = new FakeTransport()
  readonly queue: SendQueue
  readonly outcomes: string[] = []
  readonly failures: unknown[] = []
  repliesLeft = 0
  /** What was held whenever that changed. */
  held: number[] = []
  slowConsumer: SlowConsumer = { policy: 'close', key: null }

  constructor (limit = Infinity, deflater: Deflater | null = null) {
    this.queue = new SendQueue(this, this.transport, deflater === null ? null : { deflater: () => deflater }, limit)
    this.transport.attach(this.queue)
  }

  onHeldChange (): void { this.held.push(this.queue.held) }
  onSlow (outcome: string): void { this.outcomes.push(outcome) }
  onRepliesLeft (): void { this.repliesLeft++ }
  onSendFailure (error: unknown): void { this.failures.push(error) }

  send (text: string, isShared = false): this {
    this.queue.put(encodeMessage(text), isShared, this.slowConsumer, this.slowConsumer.key === null ? null : () => text.slice(0, 1))
    return this
  }

  sendAll (...texts: string[]): this {
    for (const text of texts) this.send(text)
    return this
  }

  /** Its peer stops reading, and one message is on its way to it. */
  async stuck (): Promise<this> {
    this.transport.stick()
    this.send('on its way')
    await immediate()
    this.transport.forget()
    return this
  }

  /** What its peer gets once it reads on. */
  async left (): Promise<string[]> {
    this.transport.unstick()
    await immediate()
    return this.transport.texts
  }
}
