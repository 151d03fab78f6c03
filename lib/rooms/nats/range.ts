import { randomBytes } from 'node:crypto'
import type { NatsMessage } from '../../../types/nats.ts'
import { FST_ERR_WS_ADAPTER_UNAVAILABLE } from '../../errors.ts'
import type { Carrier } from './carrier.ts'
import type { JetStreamApi } from './jetstream-api.ts'
import { replaySubject } from './subjects.ts'

/** A message of a range. */
export interface RangeEntry {
  readonly seq: number
  /** When the server got it, in milliseconds since 1970. */
  readonly time: number
  readonly data: Uint8Array
}

export interface RangeQuery {
  readonly stream: string
  readonly subject: string
  /** The first place. */
  readonly from: number
  /** The last place, of a message that is there. */
  readonly to: number
}

/** How many times the answer to one question this may take. */
const patience = 5

/**
 * Reads the messages of one subject from place to place, by a consumer made for it: two and a half round trips, however many they are; one message at a time took one each.
 * Where the consumer is placed with a server that is behind, it brings the last one later, and is waited for. Answers null when that is gone.
 */
export async function readRange (api: JetStreamApi, carrier: Carrier, namespace: string, query: RangeQuery): Promise<RangeEntry[] | null> {
  const deliverTo = replaySubject(namespace, randomBytes(16).toString('hex'))
  const range = new Range(query.to)
  const subscription = carrier.connection.subscribe(deliverTo, { callback: (error, message) => range.onMessage(error, message) })
  try {
    const { name, num_pending: pending } = await api.consume(query.stream, {
      deliver_subject: deliverTo,
      deliver_policy: 'by_start_sequence',
      opt_start_seq: query.from,
      filter_subject: query.subject,
      ack_policy: 'none',
      replay_policy: 'instant',
      max_deliver: 1,
      mem_storage: true,
      num_replicas: 1
    })
    try {
      if (pending === 0) return null
      return await carrier.ask(() => range.whole, carrier.timeout * patience)
    } finally {
      // It goes by itself too, when nobody listens to it.
      api.endConsumer(query.stream, name).catch(() => {})
    }
  } finally {
    subscription.unsubscribe()
  }
}

/** What a consumer brings. */
class Range {
  readonly whole: Promise<RangeEntry[] | null>
  readonly #to: number
  readonly #entries: RangeEntry[] = []
  #count = 0
  #resolve: (entries: RangeEntry[] | null) => void = () => {}
  #reject: (error: Error) => void = () => {}

  constructor (to: number) {
    this.#to = to
    this.whole = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.whole.catch(() => {})
  }

  onMessage (error: Error | null, message: NatsMessage): void {
    if (error !== null) return this.#reject(error)
    const place = placeOf(message.reply)
    if (place === null) return
    if (place.count !== ++this.#count) return this.#reject(new FST_ERR_WS_ADAPTER_UNAVAILABLE('a part of the history was lost on its way'))
    if (place.seq <= this.#to) this.#entries.push({ seq: place.seq, time: place.time, data: message.data })
    if (place.seq >= this.#to) this.#resolve(place.seq === this.#to ? this.#entries : null)
  }
}

/** What the reply subject of a message from a consumer says: `$JS.ACK.<stream>.<consumer>.<delivered>.<seq>.<count>.<time>.<pending>`, with domain and account before the stream, and more behind, where there are twelve. */
function placeOf (reply: string | undefined): { readonly seq: number, readonly count: number, readonly time: number } | null {
  const tokens = reply?.split('.') ?? []
  if (tokens[0] !== '$JS' || tokens[1] !== 'ACK' || tokens.length < 9) return null
  const at = tokens.length === 9 ? 5 : 7
  return { seq: Number(tokens[at]), count: Number(tokens[at + 1]), time: Number(tokens[at + 2]) / 1e6 }
}
