import type { FastifyBaseLogger } from 'fastify'
import type { AdapterState } from '../../../types/adapter.ts'
import type { ResolvedNodes } from '../../options.ts'
import { outside } from '../../outside.ts'
import type { Alive, Bye, Hello } from './control-messages.ts'

/** Who is told of the others, and how they are told of this process. */
export interface NodesListener {
  readonly log: FastifyBaseLogger
  /** To all others, or to one. */
  tell (message: Hello | Alive | Bye, to: string | null): Promise<void>
  /** Another process is known now. A new one has only just started. */
  onAppeared (node: string, isNew: boolean): void
  /** It has stopped, or was silent for too long. */
  onGone (node: string): void
  /** Every interval. */
  onTick (now: number): void
}

/** How late the timer may be, in intervals, before this process has stalled: what others said meanwhile waits to be read. */
const stalled = 0.5

/** The processes that are alive: each says so every interval, and is taken for dead after `timeout` without a word. */
export class Nodes {
  readonly #listener: NodesListener
  readonly #options: ResolvedNodes
  /** When each of the others was heard of last. */
  readonly #heard = new Map<string, number>()
  /** When those who stopped said so: what comes late does not bring them back. */
  readonly #stopped = new Map<string, number>()
  #timer: NodeJS.Timeout | null = null
  #due = 0
  #isUnavailable = false

  constructor (listener: NodesListener, options: ResolvedNodes) {
    this.#listener = listener
    this.#options = options
  }

  /** The others. */
  get others (): ReadonlySet<string> {
    return new Set(this.#heard.keys())
  }

  start (): void {
    this.#arm()
    this.#tell({ say: 'hello' }, null)
  }

  async stop (): Promise<void> {
    if (this.#timer === null) return
    clearTimeout(this.#timer)
    this.#timer = null
    await this.#listener.tell({ say: 'bye' }, null).catch(ignore)
  }

  /** A process said something; returns whether it is to be listened to. Whoever has not said hello yet, or has said goodbye, hears nobody. */
  onWord (node: string, isHello: boolean): boolean {
    if (this.#timer === null || this.#stopped.has(node)) return false
    const isKnown = this.#heard.has(node)
    this.#heard.set(node, performance.now())
    if (!isKnown) {
      this.#listener.log.info({ node }, 'another process of the cluster is alive')
      this.#listener.onAppeared(node, isHello)
    }
    if (isHello) this.#tell({ say: 'alive' }, node)
    return true
  }

  onBye (node: string): void {
    this.#stopped.set(node, performance.now())
    if (!this.#heard.delete(node)) return
    this.#listener.log.info({ node }, 'another process of the cluster has stopped')
    this.#listener.onGone(node)
  }

  onState (state: AdapterState): void {
    this.#isUnavailable = state === 'unavailable'
    if (this.#isUnavailable || this.#timer === null) return
    this.#trustAll()
    this.#tell({ say: 'alive' }, null)
  }

  #arm (): void {
    this.#due = performance.now() + this.#options.interval
    this.#timer = outside(() => setTimeout(() => this.#onTimer(), this.#options.interval)).unref()
  }

  #onTimer (): void {
    const now = performance.now()
    const isLate = now - this.#due > this.#options.interval * stalled
    this.#arm()
    if (isLate) this.#trustAll()
    // Nobody is judged while nobody can be heard.
    if (this.#isUnavailable) return
    this.#tell({ say: 'alive' }, null)
    this.#judge(now)
    this.#listener.onTick(now)
  }

  #judge (now: number): void {
    const { timeout } = this.#options
    for (const [node, at] of this.#heard) {
      if (now - at < timeout) continue
      this.#heard.delete(node)
      this.#listener.log.warn({ node, silent: Math.round(now - at) }, 'another process of the cluster is silent and taken for dead: its members are gone')
      this.#listener.onGone(node)
    }
    for (const [node, at] of this.#stopped) {
      if (now - at >= timeout) this.#stopped.delete(node)
    }
  }

  /** All have a full timeout again. */
  #trustAll (): void {
    const now = performance.now()
    for (const node of this.#heard.keys()) this.#heard.set(node, now)
  }

  /** Whether it was taken is told by the adapter's state, and said again after an interval. */
  #tell (message: Hello | Alive, to: string | null): void {
    this.#listener.tell(message, to).catch(ignore)
  }
}

function ignore (): void {}
