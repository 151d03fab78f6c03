import { randomBytes } from 'node:crypto'
import type { AdapterHistory, HistoryEvent, HistoryPage, HistorySettings, MessageEnvelope, Position } from '../../../types/adapter.ts'
import { FST_ERR_WS_ADAPTER_UNAVAILABLE, FST_ERR_WS_ENVELOPE } from '../../errors.ts'
import type { EnvelopeCodec } from '../envelope.ts'
import type { Carrier } from './carrier.ts'
import { PageReader, parseReply } from './page-reader.ts'
import { errorOf } from './redis-port.ts'
import type { Argument } from './redis-port.ts'
import { appendScript, readScript } from './scripts.ts'
import type { Script } from './scripts.ts'

/** The most bytes that one script appends. */
const mostBytes = 1_048_576
/** After how many bytes a script leaves the rest of a history to the next one: others wait for Redis meanwhile, and this process for its answer. */
const enoughBytes = 262_144
/** How long it is known what a process has appended, in milliseconds: far longer than it tries to. */
const publisherTtl = 600_000
/** How long after the last message, or the last look, it is known where a history is, in milliseconds: at least. */
const positionTtl = 3_600_000

/** `E<epoch>:<offset>:` */
const mark = 0x45
const header = /^E([A-Za-z0-9]{1,64}):(\d{1,16}):/
const longestHeader = 1 + 64 + 1 + 16 + 1

/** What the history needs of the adapter. */
export interface HistoryOptions {
  readonly carrier: Carrier
  readonly codec: EnvelopeCodec
  readonly durable: boolean
  readonly keyOf: (channel: string) => string
  readonly onRefused: (channel: string, error: Error) => void
}

/** Histories in streams of Redis. A script appends and publishes, so that both happen or neither. */
export class RedisHistory implements AdapterHistory {
  readonly #options: HistoryOptions

  constructor (options: HistoryOptions) {
    this.#options = options
  }

  async append (channel: string, envelopes: readonly MessageEnvelope[], settings: HistorySettings): Promise<void> {
    const { codec, keyOf } = this.#options
    const key = keyOf(channel)
    let records: Argument[] = []
    let size = 0
    for (const [index, envelope] of envelopes.entries()) {
      const bytes = codec.encode(channel, envelope)
      // One after the other: if an earlier one failed and a later one did not, the earlier would pass for appended.
      if (size + bytes.length > mostBytes && index > 0) {
        await this.#appendRecords(key, envelope.node, records, settings)
        records = []
        size = 0
      }
      records.push(String(envelope.seq), bytes)
      size += bytes.length
    }
    if (records.length > 0) await this.#appendRecords(key, envelopes[0].node, records, settings)
  }

  async read (channel: string, after: Position | null, settings: HistorySettings): Promise<HistoryPage> {
    const { codec, onRefused, keyOf } = this.#options
    const key = keyOf(channel)
    for (;;) {
      const reader = new PageReader(channel, after, settings, codec, error => onRefused(channel, error))
      for (;;) {
        const reply = await this.#run(readScript, key, [], settings, [after?.epoch ?? '', String(reader.offset), String(enoughBytes)])
        const part = parseReply(reply)
        if (part === null) throw new FST_ERR_WS_ADAPTER_UNAVAILABLE('what Redis keeps of the history is none')
        const outcome = reader.add(part)
        if (outcome === 'done') return reader.page
        // It began anew between two parts.
        if (outcome === 'again') break
      }
    }
  }

  /** Whether a message says what was appended. */
  isEvents (bytes: Buffer): boolean {
    return bytes[0] === mark
  }

  /** @throws FST_ERR_WS_ENVELOPE */
  decodeEvents (channel: string, bytes: Buffer): HistoryEvent[] {
    const match = header.exec(bytes.toString('latin1', 0, longestHeader))
    const first = Number(match?.[2])
    if (match === null || !Number.isSafeInteger(first + bytes.length) || first < 1) throw new FST_ERR_WS_ENVELOPE('its place in the history is none')
    const envelopes = this.#options.codec.decode(channel, bytes.subarray(match[0].length))
    return envelopes.map((envelope, index) => {
      if (envelope.kind === 'close' || envelope.kind === 'control') throw new FST_ERR_WS_ENVELOPE('no message, and in a history')
      return { epoch: match[1], offset: first + index, previous: first + index - 1, envelope }
    })
  }

  async #appendRecords (key: string, node: string, records: readonly Argument[], settings: HistorySettings): Promise<void> {
    const { publishCommand } = this.#options.carrier.session
    await this.#run(appendScript, key, [`${key}:seq:${node}`], settings, [publishCommand, key, String(settings.size), String(publisherTtl), ...records])
  }

  async #run ({ sha, text }: Script, key: string, keys: readonly string[], { ttl }: HistorySettings, args: readonly Argument[]): Promise<unknown> {
    const { session } = this.#options.carrier
    const rest: Argument[] = [
      String(2 + keys.length), `${key}:log`, `${key}:pos`, ...keys,
      randomBytes(8).toString('hex'), this.#options.durable ? '1' : '0', String(ttl), String(Math.max(2 * ttl, ttl + positionTtl)), ...args
    ]
    try {
      return await session.command(key, ['evalsha', sha, ...rest])
    } catch (error) {
      if (!errorOf(error).message.startsWith('NOSCRIPT')) throw unavailable(error)
    }
    try {
      return await session.command(key, ['eval', text, ...rest])
    } catch (error) {
      throw unavailable(error)
    }
  }
}

function unavailable (error: unknown): Error {
  return new FST_ERR_WS_ADAPTER_UNAVAILABLE(errorOf(error).message)
}
