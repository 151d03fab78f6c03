import { createHash, randomBytes } from 'node:crypto'
import type { HistorySettings } from '../../../types/adapter.ts'
import { FST_ERR_WS_ADAPTER_UNAVAILABLE } from '../../errors.ts'
import { codeOf, codes } from './jetstream-api.ts'
import type { JetStreamApi, StreamInfo } from './jetstream-api.ts'
import { anyEventSubject, historySubject, nameOfStream, streamPattern } from './subjects.ts'

/** How long a message is known to have come before, in milliseconds; and how much longer than their `ttl` messages are kept, so that whoever looks in between finds the last one. */
export const margin = 120_000
const nanoseconds = 1_000_000
const mostTries = 5

/** A stream in JetStream: the histories of all rooms with the same settings. */
export interface Stream {
  readonly name: string
  /** What it is for. */
  readonly key: string
  readonly created: string
  readonly epoch: string
}

export interface StreamsOptions {
  readonly namespace: string
  readonly replicas: number
  readonly storage: 'file' | 'memory'
}

/**
 * Finds the stream for rooms with given settings, or makes it. Each has a name that nobody had before, and there can be only one for a subject: so whoever names it in a
 * request is certain that it is still the one, and one that was lost and made anew is another epoch.
 */
export class Streams {
  readonly #api: JetStreamApi
  readonly #options: StreamsOptions
  readonly #pattern: RegExp
  /** By settings. */
  readonly #found = new Map<string, Promise<Stream>>()
  /** By name. */
  readonly #known = new Map<string, Stream>()
  /** Questions under way, by name. */
  readonly #confirming = new Map<string, Promise<StreamInfo>>()

  constructor (api: JetStreamApi, options: StreamsOptions) {
    this.#api = api
    this.#options = options
    this.#pattern = streamPattern(options.namespace)
  }

  /** The stream for rooms with these settings. */
  get (settings: HistorySettings): Promise<Stream> {
    const key = keyOf(settings)
    let found = this.#found.get(key)
    if (found === undefined) {
      const asked = this.#find(key, settings)
      this.#found.set(key, found = asked)
      asked.catch(() => { if (this.#found.get(key) === asked) this.#found.delete(key) })
    }
    return found
  }

  /** Whether it is the one that it was: a stream that was made again by hand may have its name. Rooms that ask at the same time ask once. */
  async isSame ({ name, created }: Stream): Promise<boolean> {
    let asked = this.#confirming.get(name)
    if (asked === undefined) {
      asked = this.#api.info(name).finally(() => this.#confirming.delete(name))
      this.#confirming.set(name, asked)
    }
    return (await asked).created === created
  }

  /** It is looked for anew. */
  forget (stream: Stream): void {
    this.#found.delete(stream.key)
    this.#known.delete(stream.name)
  }

  /** Whether it is the name of a stream of this namespace. */
  isName (name: string): boolean {
    return this.#pattern.test(name)
  }

  epochOf (name: string): string | null {
    return this.#known.get(name)?.epoch ?? null
  }

  async lookUp (name: string): Promise<string> {
    return this.epochOf(name) ?? (await this.#open(name, keyOfName(name))).epoch
  }

  async #find (key: string, settings: HistorySettings): Promise<Stream> {
    const subject = historySubject(this.#options.namespace, key, '*')
    for (let tries = 0; tries < mostTries; tries++) {
      const names = await this.#api.namesFor(subject)
      const own = names.filter(name => this.isName(name) && keyOfName(name) === key).sort()
      if (names.length > own.length) throw new FST_ERR_WS_ADAPTER_UNAVAILABLE(`another stream takes the subjects of histories, ${subject}: ${names.filter(name => !own.includes(name)).join(', ')}`)
      try {
        if (own.length > 0) return await this.#open(own[0], key)
        await this.#make(key, subject, settings)
      } catch (error) {
        const code = codeOf(error)
        // Another process has made it, or it has gone.
        if (code !== codes.subjectsOverlap && code !== codes.noStream) throw error
      }
    }
    throw new FST_ERR_WS_ADAPTER_UNAVAILABLE(`the stream of histories for ${subject} comes and goes`)
  }

  async #open (name: string, key: string): Promise<Stream> {
    const { created } = await this.#api.info(name)
    const stream = { name, key, created, epoch: epochOf(name, created) }
    this.#known.set(name, stream)
    return stream
  }

  /** Two servers of a cluster may make one each at the same time: the first one by its name stays. */
  async #make (key: string, subject: string, settings: HistorySettings): Promise<void> {
    const { namespace } = this.#options
    const name = nameOfStream(namespace, key, randomBytes(8).toString('hex'))
    await this.#api.create(name, { ...configOf(settings, this.#options), subjects: [subject], republish: { src: subject, dest: anyEventSubject(namespace) } })
    const [first = name] = (await this.#api.namesFor(subject)).sort()
    if (first !== name && this.isName(first)) await this.#api.delete(name)
  }
}

function configOf ({ size, ttl }: HistorySettings, { replicas, storage }: StreamsOptions): object {
  return {
    retention: 'limits',
    discard: 'old',
    storage,
    num_replicas: replicas,
    // One more: who has that one has missed none.
    max_msgs_per_subject: size + 1,
    max_age: (ttl + margin) * nanoseconds,
    duplicate_window: margin * nanoseconds,
    allow_direct: true
  }
}

function keyOf ({ size, ttl }: HistorySettings): string {
  return `${size}-${ttl}`
}

/** @param name one of which `isName` holds */
function keyOfName (name: string): string {
  return name.split('_').at(-2) ?? ''
}

function epochOf (name: string, created: string): string {
  return createHash('sha256').update(`${name} ${created}`).digest('hex').slice(0, 20)
}
