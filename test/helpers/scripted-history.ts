import type { AdapterHistory, HistoryPage, MessageEnvelope, Position } from '../../types/adapter.ts'
import { deferred } from './app.ts'

/** One call of `append`, which a test lets succeed or fail. */
export interface ScriptedAppend {
  readonly channel: string
  readonly seqs: readonly number[]
  readonly envelopes: readonly MessageEnvelope[]
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** A history whose appends wait for what a test says. */
export class ScriptedHistory implements AdapterHistory {
  readonly appends: ScriptedAppend[] = []
  /** The most appends of one channel that were ever open at once. */
  mostAtOnce = 0
  readonly #open = new Map<string, number>()
  #wake: () => void = () => {}

  async append (channel: string, envelopes: readonly MessageEnvelope[]): Promise<void> {
    const { promise, resolve, reject } = deferred()
    const open = (this.#open.get(channel) ?? 0) + 1
    this.#open.set(channel, open)
    this.mostAtOnce = Math.max(this.mostAtOnce, open)
    this.appends.push({ channel, seqs: envelopes.map(({ seq }) => seq), envelopes, resolve, reject })
    this.#wake()
    try {
      await promise
    } finally {
      this.#open.set(channel, (this.#open.get(channel) ?? 1) - 1)
    }
  }

  async read (_channel: string, _after: Position | null): Promise<HistoryPage> {
    return { epoch: 'a', head: 0, floor: 0, events: [] }
  }

  /** The append with this number, from 0 on, once it was called. */
  async call (index: number): Promise<ScriptedAppend> {
    while (this.appends.length <= index) await new Promise<void>(resolve => { this.#wake = resolve })
    return this.appends[index]
  }
}

/** A message with this number. */
export function numbered (seq: number, payload = '{}'): MessageEnvelope {
  return { kind: 'json', node: 'n', seq, payload, except: [] }
}

/** How many timers keep this process alive. */
export function timers (): number {
  return process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
}
