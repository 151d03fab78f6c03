import { close } from '../helpers/bytes.ts'
import type { Http, Reply, Session, Target } from './carrier.ts'
import type { Case, Content, Expected, ReplySpec, RequestSpec, Section, Step } from './case.ts'
import { Deflation, readAgreement } from './deflation.ts'
import { Http1 } from './http1.ts'
import { Http2 } from './http2.ts'
import { Peer } from './peer.ts'

export interface RunOptions {
  /** The server speaks permessage-deflate: it is offered in every case, and the cases that need it are run. */
  deflate?: boolean
  /** By HTTP/2, and without the cases that are about HTTP/1.1. */
  http2?: boolean
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
export function selectCases (sections: readonly Section[], { deflate = false, http2 = false, only = '' }: RunOptions): Case[] {
  const prefix = only === '' || only.endsWith('.') ? only : `${only}.`
  const isMet = { deflate, http1: !http2, http2 }
  return sections.flatMap(section => section.cases).filter(one => `${one.id}.`.startsWith(prefix) && (one.needs === undefined || isMet[one.needs]))
}

/** Runs the cases, many at a time; their outcomes are in the order of the table. */
export async function runCases (cases: readonly Case[], target: Target, options: RunOptions = {}): Promise<Outcome[]> {
  const http = options.http2 === true ? new Http2(target) : new Http1(target)
  const faults = new Map<Case, string | null>()
  const workers = async (count: number, queue: Case[]): Promise<void> => {
    queue.reverse()
    await Promise.all(Array.from({ length: count }, async () => {
      for (let one = queue.pop(); one !== undefined; one = queue.pop()) faults.set(one, await runCase(one, http, options))
    }))
  }
  await Promise.all([
    workers(lightAtOnce, cases.filter(one => one.heavy !== true)),
    workers(heavyAtOnce, cases.filter(one => one.heavy === true))
  ])
  http.destroy()
  return cases.map(one => ({ case: one, fault: faults.get(one) ?? null }))
}

/** Runs a case; answers why it failed, or null. */
async function runCase (one: Case, http: Http, { deflate = false, patience = 10_000 }: RunOptions): Promise<string | null> {
  const offers = ([] as string[]).concat(one.offer ?? (deflate && one.without !== 'deflate' ? 'permessage-deflate' : []))
  let session: Session | null = null
  try {
    session = await http.session(one.session ?? (one.heavy === true ? {} : undefined))
    await new Run(session, one, offers, one.heavy === true ? heavyPatience * patience : patience).all()
    return null
  } catch (error) {
    return (error as Error).message
  } finally {
    session?.release()
  }
}

/** One case on its way. */
class Run {
  readonly #session: Session
  readonly #case: Case
  readonly #offers: readonly string[]
  readonly #patience: number
  #peer: Peer | null = null
  #deflation: Deflation | null = null
  #isClosed = false

  constructor (session: Session, one: Case, offers: readonly string[], patience: number) {
    this.#session = session
    this.#case = one
    this.#offers = offers
    this.#patience = patience
  }

  async all (): Promise<void> {
    try {
      const isAccepted = await this.#open(this.#case.request ?? {}, this.#case.reply ?? {})
      if (isAccepted || this.#case.steps.length > 0) await this.#steps(this.#case.steps)
    } finally {
      this.#peer?.destroy()
    }
  }

  /** And then the closing handshake, where none has been. */
  async #steps (steps: readonly Step[]): Promise<void> {
    for (const step of steps) await this.#step(step)
    if (this.#isClosed) return
    await this.#step({ send: close(1000) })
    await this.#step({ expect: [{ close: [1000] }] })
  }

  get #connected (): Peer {
    if (this.#peer === null) throw new Error('there is no connection')
    return this.#peer
  }

  /** Whether the server accepted, as it may have been expected not to. */
  async #open (request: RequestSpec, spec: ReplySpec): Promise<boolean> {
    const peer = this.#peer = await Peer.open(this.#session, request, this.#offers)
    const signal = AbortSignal.timeout(this.#patience)
    if (spec.status === 'malformed' && await peer.isGone(signal)) return false
    const reply = await peer.reply(signal)
    const isAccepted = peer.isAccepted(reply)
    checkReply(reply, spec, isAccepted)
    if (!isAccepted) return false
    const agreement = readAgreement(this.#offers, reply.headers['sec-websocket-extensions'])
    this.#deflation = agreement === null ? null : new Deflation(agreement)
    const wanted = spec.deflate ?? (this.#case.needs === 'deflate' ? 'agreed' : 'either')
    if (wanted === 'agreed' && agreement === null) throw new Error('the server declined permessage-deflate')
    if (wanted === 'declined' && agreement !== null) throw new Error('the server agreed to an offer that it must decline')
    peer.accepted(this.#deflation)
    return true
  }

  async #step (step: Step): Promise<void> {
    if ('send' in step) await this.#connected.write(this.#bytes(step.send), step.pieces)
    else if ('expect' in step) for (const expected of step.expect) await this.#expect(expected)
    else if ('halfClose' in step) this.#connected.halfClose()
    else if ('beside' in step) await new Run(this.#session, { ...this.#case, steps: step.beside }, this.#offers, this.#patience).all()
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
    } else if ('gone' in expected) {
      this.#isClosed = true
      await peer.until(() => peer.gone ? true : null, 'the close', signal)
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
    await peer.until(() => peer.ended ? true : null, 'the end', signal)
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
    this.#isClosed = false
    await this.#open({}, {})
  }
}

function checkReply ({ statusCode, headers }: Reply, { status, headers: wanted = {} }: ReplySpec, isAccepted: boolean): void {
  if (!isExpected(statusCode, status, isAccepted)) throw new Error(`expected HTTP status ${String(status ?? 'that accepts')}, got ${statusCode}`)
  for (const [name, pattern] of Object.entries(wanted)) {
    const value = headers[name]
    if (pattern === null ? value !== undefined : !pattern.test(value ?? '')) {
      throw new Error(`expected ${name} ${pattern === null ? 'not to be there' : `to match ${pattern}`}, got ${value}`)
    }
  }
}

function isExpected (statusCode: number, status: ReplySpec['status'], isAccepted: boolean): boolean {
  if (status === undefined) return isAccepted
  if (typeof status === 'string') return statusCode >= 400 && statusCode < 500
  return ([] as number[]).concat(status).includes(statusCode)
}

function check (what: string, wanted: Buffer, got: Buffer): void {
  if (!wanted.equals(got)) throw new Error(`expected ${what} of ${describe(wanted)}, got ${describe(got)}`)
}

function describe (bytes: Buffer): string {
  const start = bytes.toString('hex', 0, 16)
  return bytes.length > 16 ? `${bytes.length} bytes (${start}…)` : `${bytes.length} bytes (${start})`
}
