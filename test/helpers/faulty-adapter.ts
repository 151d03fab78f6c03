import type { Adapter, AdapterContext, AdapterHistory, Envelope } from '../../types/index.ts'

/** A generator of numbers from 0 to 1 that begins anew for each seed. */
export function seeded (seed: number): () => number {
  let state = (seed >>> 0) || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

/** What becomes of what others published. */
export type Fault = 'lose' | 'delay' | null

/** An adapter that can be cut off, and to which envelopes come late, in another order, or not at all. */
export class FaultyAdapter implements Adapter {
  /** What this process published, by what it says. */
  readonly published: Array<{ channel: string, say: string, bytes: number }> = []
  /** Asked of each envelope that comes. */
  fault: (channel: string, envelope: Envelope) => Fault = () => null
  readonly #inner: Adapter
  readonly #late: Array<() => void> = []
  #context: AdapterContext | null = null
  #isUnavailable = false
  #isSilent = false

  constructor (inner: Adapter) {
    this.#inner = inner
  }

  get history (): AdapterHistory | null {
    return this.#inner.history ?? null
  }

  get node (): string {
    return this.#context?.node ?? ''
  }

  async start (context: AdapterContext): Promise<void> {
    this.#context = context
    await this.#inner.start({
      ...context,
      onEnvelope: (channel, envelope) => {
        if (this.#isUnavailable || this.#isSilent) return
        const fault = this.fault(channel, envelope)
        if (fault === null) context.onEnvelope(channel, envelope)
        else if (fault === 'delay') this.#late.push(() => context.onEnvelope(channel, envelope))
      }
    })
  }

  async publish (channel: string, envelope: Envelope): Promise<void> {
    if (this.#isUnavailable) throw new Error('cut off')
    if (this.#isSilent) return
    if (envelope.kind === 'control') {
      this.published.push({ channel, say: JSON.parse(envelope.payload).say, bytes: Buffer.byteLength(envelope.payload) })
    }
    await this.#inner.publish(channel, envelope)
  }

  async subscribe (channel: string): Promise<void> {
    await this.#inner.subscribe(channel)
  }

  async unsubscribe (channel: string): Promise<void> {
    await this.#inner.unsubscribe(channel)
  }

  async stop (): Promise<void> {
    await this.#inner.stop()
  }

  /** Hands over what is late, the last one first. */
  handOver (): void {
    for (const late of this.#late.splice(0).reverse()) late()
  }

  /** The process hears nobody and nobody hears it, and neither knows: as when it is killed, or stands still. */
  silence (isSilent = true): void {
    this.#isSilent = isSilent
  }

  /** The carrier is lost, and the process knows. */
  cut (): void {
    this.#isUnavailable = true
    this.#context?.onState('unavailable', new Error('cut off'))
  }

  heal (): void {
    this.#isUnavailable = false
    this.#context?.onState('ready', null)
  }

  /** Brings what another process, or whoever writes to the broker, might have published. */
  bring (channel: string, node: string, payload: string): void {
    this.#context?.onEnvelope(channel, { kind: 'control', node, seq: 1, payload })
  }
}
