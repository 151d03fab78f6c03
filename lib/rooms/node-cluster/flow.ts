import { outside } from '../../outside.ts'
import type { Port } from './port.ts'
import { write } from './wire.ts'
import type { Items } from './wire.ts'

/**
 * One end's items of a session, both ways: those of a tick leave in one message, and it is known how much is on its way. `send` of an IPC channel keeps whatever the
 * other end does not read, without a bound: this is what a bound is made of.
 */
export class Flow {
  readonly #port: Port
  readonly #session: string
  readonly #limit: number
  readonly #patience: number
  #items: object[] = []
  #weight = 0
  #sent = 0
  /** What was sent and not taken, one for each message. */
  readonly #onTheWay: Array<{ readonly last: number, readonly weight: number }> = []
  #outstanding = 0
  #received = 0
  /** What was received and not acknowledged. */
  #unacknowledged = 0
  #waitingSince = 0
  #isScheduled = false
  #isClosed = false

  /**
   * @param limit how much may be on its way, in bytes
   * @param patience how much is received before it is acknowledged, where nothing else is to be sent
   */
  constructor (port: Port, session: string, limit: number, patience: number) {
    this.#port = port
    this.#session = session
    this.#limit = limit
    this.#patience = patience
  }

  /** Whether the other end has taken everything. */
  get isIdle (): boolean {
    return this.#outstanding === 0
  }

  /** When the other end was last known to take something, or had something to take after it had taken all. */
  get waitingSince (): number {
    return this.#waitingSince
  }

  hasRoom (weight: number): boolean {
    return this.#outstanding + weight <= this.#limit
  }

  /** Whether it leaves room for others. */
  hasPlenty (weight: number): boolean {
    return this.#outstanding === 0 || this.#outstanding + weight <= this.#limit / 2
  }

  /** Which item of the session it is, from 1 on. */
  put (item: object, weight: number): number {
    this.#items.push(item)
    this.#weight += weight
    this.#outstanding += weight
    this.#schedule()
    return this.#sent + this.#items.length
  }

  /** Returns false where items are missing before these: then the session is no more. */
  receive ({ sent, items, weight }: Items): boolean {
    if (sent !== this.#received + items.length) return false
    this.#received = sent
    this.#unacknowledged += weight
    if (items.length > 0 && this.#unacknowledged > this.#patience) this.#schedule()
    return true
  }

  /** Returns false where the other end has taken what was not sent. */
  onTaken (taken: number): boolean {
    if (taken > this.#sent) return false
    const onTheWay = this.#onTheWay
    let count = 0
    while (count < onTheWay.length && onTheWay[count].last <= taken) this.#outstanding -= onTheWay[count++].weight
    if (count > 0) {
      onTheWay.splice(0, count)
      this.#waitingSince = performance.now()
    }
    return true
  }

  /** Acknowledges what was received, soon. */
  acknowledge (): void {
    if (this.#unacknowledged > 0) this.#schedule()
  }

  flush (): void {
    if (this.#isClosed) return
    const items = this.#items
    const weight = this.#weight
    this.#items = []
    this.#weight = 0
    this.#unacknowledged = 0
    if (items.length > 0) {
      if (this.#onTheWay.length === 0) this.#waitingSince = performance.now()
      this.#sent += items.length
      this.#onTheWay.push({ last: this.#sent, weight })
    }
    this.#port.send(write({ kind: 'items', session: this.#session, sent: this.#sent, weight, taken: this.#received, items }), ignore)
  }

  close (): void {
    this.#isClosed = true
    this.#items = []
  }

  #schedule (): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    outside(() => setImmediate(() => {
      this.#isScheduled = false
      this.flush()
    }))
  }
}

function ignore (): void {}
