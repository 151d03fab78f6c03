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

/** How many messages one request asks for. */
const mostMessages = 1_000
/** How many bytes of them, where the server's `max_payload` is no more: it cuts off who lets 64 MiB wait, with all that the application does by that connection. */
const enoughBytes = 1024 * 1024
/** What a message has besides what `max_payload` counts, at most: its subjects. */
const room = 4_096
/** How many requests may be answered by nothing, one after the other. */
const patience = 10

/**
 * Reads the messages of one subject from place to place, by a consumer made for it, and as many at once as can't be too many. Where the consumer is placed with a server that is
 * behind, it brings the last one later, and is waited for. Answers false when that is gone.
 */
export async function readRange (api: JetStreamApi, carrier: Carrier, namespace: string, query: RangeQuery, onEntry: (entry: RangeEntry) => void): Promise<boolean> {
  const { connection, timeout } = carrier
  const reply = replaySubject(namespace, randomBytes(16).toString('hex'))
  const range = new Range(query.to, onEntry)
  const subscription = connection.subscribe(reply, { callback: (error, message) => range.onMessage(error, message) })
  try {
    const { name, num_pending: pending } = await api.consume(query.stream, {
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
      if (pending === 0) return false
      const most = { batch: mostMessages, max_bytes: Math.max(enoughBytes, (connection.info?.max_payload ?? 0) + room), expires: timeout / 2 * nanoseconds }
      while (range.isWhole === null) await carrier.ask(() => range.ask(() => api.next(query.stream, name, most, reply)))
      return range.isWhole
    } finally {
      // It goes by itself too, when nobody asks it for anything.
      api.endConsumer(query.stream, name).catch(() => {})
    }
  } finally {
    subscription.unsubscribe()
  }
}

const nanoseconds = 1_000_000

/** What a consumer brings. */
class Range {
  /** Whether the last place was there; null while it has not come. */
  isWhole: boolean | null = null
  readonly #to: number
  readonly #onEntry: (entry: RangeEntry) => void
  #count = 0
  /** What has come of what was asked for last. */
  #came = 0
  /** How many times in a row nothing has. */
  #empty = 0
  #resolve: () => void = () => {}
  #reject: (error: Error) => void = () => {}

  constructor (to: number, onEntry: (entry: RangeEntry) => void) {
    this.#to = to
    this.#onEntry = onEntry
  }

  /** Settles when what `ask` asks for has come. */
  ask (ask: () => void): Promise<void> {
    this.#came = 0
    return new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
      ask()
    })
  }

  onMessage (error: Error | null, message: NatsMessage): void {
    if (error !== null) return this.#reject(error)
    const place = placeOf(message.reply)
    if (place === null) return this.#onNoMore(message.headers?.code)
    if (place.count !== ++this.#count) return this.#reject(new FST_ERR_WS_ADAPTER_UNAVAILABLE('a part of the history was lost on its way'))
    this.#empty = 0
    if (place.seq <= this.#to) this.#onEntry({ seq: place.seq, time: place.time, data: message.data })
    if (place.seq >= this.#to) this.isWhole = place.seq === this.#to
    if (++this.#came === mostMessages || this.isWhole !== null) this.#resolve()
  }

  /** Not now, or not in the bytes that were left. */
  #onNoMore (code: number | undefined): void {
    if (this.#came === 0 && ++this.#empty === patience) this.#reject(new FST_ERR_WS_ADAPTER_UNAVAILABLE(`JetStream does not bring what a history has (${code})`))
    else this.#resolve()
  }
}

/** What the reply subject of a message from a consumer says: `$JS.ACK.<stream>.<consumer>.<delivered>.<seq>.<count>.<time>.<pending>`, with domain and account before the stream, and more behind, where there are twelve. */
function placeOf (reply: string | undefined): { readonly seq: number, readonly count: number, readonly time: number } | null {
  const tokens = reply?.split('.') ?? []
  if (tokens[0] !== '$JS' || tokens[1] !== 'ACK' || tokens.length < 9) return null
  const at = tokens.length === 9 ? 5 : 7
  return { seq: Number(tokens[at]), count: Number(tokens[at + 1]), time: Number(tokens[at + 2]) / 1e6 }
}
