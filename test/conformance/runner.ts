import { createHash, randomBytes } from 'node:crypto'
import { close } from '../helpers/bytes.ts'
import type { Case, Content, Expected, ReplySpec, RequestSpec, Section, Step } from './case.ts'
import { Deflation, readAgreement } from './deflation.ts'
import { Peer } from './peer.ts'
import type { Reply, Target } from './peer.ts'

export interface RunOptions {
  /** The server speaks permessage-deflate: it is offered in every case, and the cases that need it are run. */
  deflate?: boolean
  /** A section, a group or a case: `12`, `12.1`, `12.1.3`. */
  only?: string
  /** How long the server may take for a step, in milliseconds. */
  patience?: number
}

export interface Outcome {
  readonly case: Case
  /** Why the case failed, in words; null when it did not. */
  readonly fault: string | null
}

/** For cases that make their bytes late for other reasons than compression. */
const withoutTakeover = new Deflation({ serverTakeover: false, clientTakeover: false, serverBits: 15, clientBits: 15 })

const lightAtOnce = 48
const heavyAtOnce = 2
const heavyPatience = 6

/** The cases that a run has. */
export function selectCases (sections: readonly Section[], { deflate = false, only = '' }: RunOptions): Case[] {
  const prefix = only === '' || only.endsWith('.') ? only : `${only}.`
  return sections.flatMap(section => section.cases).filter(one => `${one.id}.`.startsWith(prefix) && (deflate || one.needs !== 'deflate'))
}

/** Runs the cases, many at a time; their outcomes are in the order of the table. */
export async function runCases (cases: readonly Case[], target: Target, options: RunOptions = {}): Promise<Outcome[]> {
  const faults = new Map<Case, string | null>()
  const workers = async (count: number, queue: Case[]): Promise<void> => {
    queue.reverse()
    await Promise.all(Array.from({ length: count }, async () => {
      for (let one = queue.pop(); one !== undefined; one = queue.pop()) faults.set(one, await runCase(one, target, options))
    }))
  }
  await Promise.all([
    workers(lightAtOnce, cases.filter(one => one.heavy !== true)),
    workers(heavyAtOnce, cases.filter(one => one.heavy === true))
  ])
  return cases.map(one => ({ case: one, fault: faults.get(one) ?? null }))
}

/** Runs a case; answers why it failed, or null. */
export async function runCase (one: Case, target: Target, { deflate = false, patience = 10_000 }: RunOptions = {}): Promise<string | null> {
  const offers = ([] as string[]).concat(one.offer ?? (deflate && one.without !== 'deflate' ? 'permessage-deflate' : []))
  const run = new Run(target, one, offers, one.heavy === true ? heavyPatience * patience : patience)
  try {
    await run.all()
    return null
  } catch (error) {
    return (error as Error).message
  } finally {
    run.destroy()
  }
}

/** One case on its way. */
class Run {
  readonly #target: Target
  readonly #case: Case
  readonly #offers: readonly string[]
  readonly #patience: number
  #peer: Peer | null = null
  #deflation: Deflation | null = null
  #isClosed = false

  constructor (target: Target, one: Case, offers: readonly string[], patience: number) {
    this.#target = target
    this.#case = one
    this.#offers = offers
    this.#patience = patience
  }

  async all (): Promise<void> {
    const upgraded = await this.#open(this.#case.request ?? {}, this.#case.reply ?? {})
    if (!upgraded) return
    for (const step of this.#case.steps) await this.#step(step)
    if (this.#isClosed) return
    await this.#step({ send: close(1000) })
    await this.#step({ expect: [{ close: [1000] }] })
  }

  destroy (): void {
    this.#peer?.destroy()
  }

  get #connected (): Peer {
    if (this.#peer === null) throw new Error('there is no connection')
    return this.#peer
  }

  /** Whether the server switched protocols, as it may have been expected not to. */
  async #open (request: RequestSpec, spec: ReplySpec): Promise<boolean> {
    this.#peer = await Peer.connect(this.#target)
    const key = randomBytes(16).toString('base64')
    await this.#peer.write(this.#requestBytes(request, key), request.pieces)
    const reply = await this.#peer.reply(AbortSignal.timeout(this.#patience))
    checkReply(reply, spec)
    if (reply.statusCode !== 101) return false
    checkUpgrade(reply, String(request.headers?.['Sec-WebSocket-Key'] ?? key).trim())
    const agreement = readAgreement(this.#offers, reply.headers['sec-websocket-extensions'])
    this.#deflation = agreement === null ? null : new Deflation(agreement)
    const wanted = spec.deflate ?? (this.#case.needs === 'deflate' ? 'agreed' : 'either')
    if (wanted === 'agreed' && agreement === null) throw new Error('the server declined permessage-deflate')
    if (wanted === 'declined' && agreement !== null) throw new Error('the server agreed to an offer that it must decline')
    this.#peer.upgraded(this.#deflation)
    return true
  }

  #requestBytes ({ method = 'GET', httpVersion = '1.1', target, headers = {}, head = Buffer.alloc(0) }: RequestSpec, key: string): Buffer {
    const host = `${this.#target.host}:${this.#target.port}`
    const all: Record<string, string | null | readonly string[]> = {
      Host: host,
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': key,
      'Sec-WebSocket-Extensions': this.#offers,
      ...headers
    }
    const lines = [`${method} ${target?.(this.#target.path, host) ?? this.#target.path} HTTP/${httpVersion}`]
    for (const [name, values] of Object.entries(all)) {
      for (const value of values === null ? [] : ([] as string[]).concat(values)) lines.push(`${name}: ${value}`)
    }
    return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head])
  }

  async #step (step: Step): Promise<void> {
    if ('send' in step) await this.#connected.write(this.#bytes(step.send), step.pieces)
    else if ('expect' in step) for (const expected of step.expect) await this.#expect(expected)
    else if ('halfClose' in step) this.#connected.halfClose()
    else await this.#reset()
  }

  #bytes (content: Content): Buffer {
    return typeof content === 'function' ? content(this.#deflation ?? withoutTakeover) : Buffer.from(content)
  }

  async #expect (expected: Expected): Promise<void> {
    const signal = AbortSignal.timeout(this.#patience)
    const peer = this.#connected
    if ('close' in expected) {
      await this.#expectClose(expected, signal)
    } else if ('end' in expected) {
      await this.#expectEnd(signal)
    } else if ('pong' in expected) {
      check('a pong', this.#bytes(expected.pong), (await peer.nextPong(signal)).payload)
    } else {
      const kind = 'text' in expected ? 'text' : 'binary'
      const message = await peer.nextMessage(signal)
      if (message.kind !== kind) throw new Error(`expected a ${kind} message, got a ${message.kind} one`)
      check(`a ${kind} message`, this.#bytes('text' in expected ? expected.text : expected.binary), message.payload)
    }
  }

  async #expectClose ({ close: codes, reason }: { close: readonly number[], reason?: string }, signal: AbortSignal): Promise<void> {
    const peer = this.#connected
    const wanted = `a close frame with ${codes.join(' or ')}`
    const status = await peer.until(() => {
      this.#nothingElse(wanted)
      return peer.close
    }, wanted, signal)
    if (!codes.includes(status.code)) throw new Error(`expected ${wanted}, got one with ${status.code} ${status.reason}`)
    if (reason !== undefined && status.reason !== reason) throw new Error(`expected the reason ${reason}, got ${status.reason}`)
    await this.#expectEnd(signal)
  }

  async #expectEnd (signal: AbortSignal): Promise<void> {
    this.#isClosed = true
    const peer = this.#connected
    await peer.until(() => peer.ended ? true : null, 'the end of TCP', signal)
    this.#nothingElse('the end')
  }

  #nothingElse (wanted: string): void {
    const { unexpected } = this.#connected
    if (unexpected !== null) {
      throw new Error(`expected ${wanted}, got a ${unexpected.kind} of ${describe(unexpected.payload)}`)
    }
  }

  async #reset (): Promise<void> {
    this.#connected.reset()
    await this.#open({}, {})
  }
}

function checkReply ({ statusCode, headers }: Reply, { status = 101, headers: wanted = {} }: ReplySpec): void {
  const isRight = status === 'refused' ? statusCode >= 400 && statusCode < 500 : ([] as number[]).concat(status).includes(statusCode)
  if (!isRight) throw new Error(`expected HTTP status ${String(status)}, got ${statusCode}`)
  for (const [name, pattern] of Object.entries(wanted)) {
    const value = headers[name]
    if (pattern === null ? value !== undefined : !pattern.test(value ?? '')) {
      throw new Error(`expected ${name} ${pattern === null ? 'not to be there' : `to match ${pattern}`}, got ${value}`)
    }
  }
}

/** RFC 6455 section 4.2.2. */
function checkUpgrade ({ headers }: Reply, key: string): void {
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
  if (headers['sec-websocket-accept'] !== accept) throw new Error('the server sent a wrong Sec-WebSocket-Accept')
  if (headers.upgrade?.toLowerCase() !== 'websocket') throw new Error('the 101 has no Upgrade: websocket')
  if (headers.connection?.toLowerCase() !== 'upgrade') throw new Error('the 101 has no Connection: Upgrade')
}

function check (what: string, wanted: Buffer, got: Buffer): void {
  if (!wanted.equals(got)) throw new Error(`expected ${what} of ${describe(wanted)}, got ${describe(got)}`)
}

function describe (bytes: Buffer): string {
  const start = bytes.toString('hex', 0, 16)
  return bytes.length > 16 ? `${bytes.length} bytes (${start}…)` : `${bytes.length} bytes (${start})`
}
