import { FST_ERR_WS_ROOM_UNAVAILABLE } from '../../errors.ts'
import { outside } from '../../outside.ts'
import type { Answer, Ask, Question } from './control-messages.ts'
import type { Entry } from './entry.ts'
import { PageGathering } from './page-gathering.ts'

/** What one process answered. */
export interface Answered {
  readonly node: string
  readonly count: number
  readonly members: readonly Entry[]
}

/** What questions need of the cluster. */
export interface QuestionsPort {
  /** The other processes that are alive. */
  readonly others: ReadonlySet<string>
  tell (message: Ask): Promise<void>
}

/** What is asked of all processes that are alive, and who has not answered yet. */
export class Questions {
  readonly #port: QuestionsPort
  readonly #timeout: number
  readonly #open = new Map<number, Open>()
  readonly #shared = new Map<string, Promise<readonly Answered[]>>()
  #last = 0
  #isStopped = false

  /** @param timeout how long answers may take, in milliseconds */
  constructor (port: QuestionsPort, timeout: number) {
    this.#port = port
    this.#timeout = timeout
  }

  /** How many wait for answers. */
  get size (): number {
    return this.#open.size
  }

  /** The answers of all others; rejects with FST_ERR_WS_ROOM_UNAVAILABLE where one does not answer in time and is alive. */
  ask (question: Question): Promise<readonly Answered[]> {
    if (this.#isStopped) return Promise.reject(closing())
    const { others } = this.#port
    if (others.size === 0) return Promise.resolve([])
    return new Promise((resolve, reject) => {
      const id = ++this.#last
      const timer = outside(() => setTimeout(() => this.#onTimeout(id), this.#timeout)).unref()
      this.#open.set(id, { waiting: new Set(others), pages: new Map(), answers: [], timer, resolve, reject })
      this.#port.tell({ ...question, say: 'ask', id }).catch(error => {
        this.#reject(id, 'the adapter did not take the question', error)
      })
    })
  }

  /** As `ask`; those who ask the same meanwhile share the answers. */
  askOnce (question: Question): Promise<readonly Answered[]> {
    const key = JSON.stringify(question)
    let asked = this.#shared.get(key)
    if (asked === undefined) {
      asked = this.ask(question)
      this.#shared.set(key, asked)
      const forget = () => { this.#shared.delete(key) }
      asked.then(forget, forget)
    }
    return asked
  }

  onAnswer (node: string, answer: Answer): void {
    const open = this.#open.get(answer.id)
    if (open === undefined || open.answers.some(answered => answered.node === node)) return
    let pages = open.pages.get(node)
    if (pages === undefined) open.pages.set(node, pages = new PageGathering())
    if (!pages.add(answer)) return
    open.answers.push({ node, count: answer.count, members: pages.entries })
    this.#settle(answer.id, open, node)
  }

  /** Nobody waits for the dead. */
  onGone (node: string): void {
    for (const [id, open] of this.#open) this.#settle(id, open, node)
  }

  stop (): void {
    this.#isStopped = true
    for (const [id, open] of [...this.#open]) {
      this.#close(id, open)
      open.reject(closing())
    }
  }

  #settle (id: number, open: Open, node: string): void {
    open.waiting.delete(node)
    open.pages.delete(node)
    if (open.waiting.size > 0) return
    this.#close(id, open)
    open.resolve(open.answers)
  }

  #onTimeout (id: number): void {
    const silent = [...this.#open.get(id)?.waiting ?? []]
    this.#reject(id, `no answer of ${silent.join(', ')} in ${this.#timeout} ms`)
  }

  #reject (id: number, reason: string, cause?: unknown): void {
    const open = this.#open.get(id)
    if (open === undefined) return
    this.#close(id, open)
    open.reject(Object.assign(new FST_ERR_WS_ROOM_UNAVAILABLE(reason), cause === undefined ? {} : { cause }))
  }

  #close (id: number, { timer }: Open): void {
    clearTimeout(timer)
    this.#open.delete(id)
  }
}

function closing (): Error {
  return new FST_ERR_WS_ROOM_UNAVAILABLE('the server is closing')
}

interface Open {
  /** Those who have not answered. */
  readonly waiting: Set<string>
  /** Answers of which a part is there, by process. */
  readonly pages: Map<string, PageGathering>
  readonly answers: Answered[]
  readonly timer: NodeJS.Timeout
  readonly resolve: (answers: readonly Answered[]) => void
  readonly reject: (error: Error) => void
}
