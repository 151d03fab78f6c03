import { frame } from '../helpers/bytes.ts'
import type { Carrier, CarrierOwner, Reply, Session } from './carrier.ts'
import type { RequestSpec } from './case.ts'
import type { Deflation } from './deflation.ts'
import { FrameReader } from './frame-reader.ts'
import type { Received, ReceivedClose, ReceivedPayload } from './frame-reader.ts'

/** The client's end of one WebSocket, which keeps what the server sends until it is asked for. */
export class Peer implements CarrierOwner {
  #carrier: Carrier | null = null
  #reply: Reply | null = null
  /** What follows the reply, until it is known how to read it. */
  #early: Buffer[] = []
  #reader: FrameReader | null = null
  #messages: ReceivedPayload[] = []
  #pongs: ReceivedPayload[] = []
  /** The server's last ping, which is answered between frames: a heartbeat's may come while one is written piece by piece. */
  #ping: Buffer | null = null
  #isWriting = false
  #wake: () => void = () => {}
  /** What went wrong, in words. */
  fault: Error | null = null
  close: ReceivedClose | null = null
  /** The server has ended its side. */
  ended = false
  gone = false

  /** Sends the request. */
  static async open (session: Session, request: RequestSpec, offers: readonly string[]): Promise<Peer> {
    const peer = new Peer()
    peer.#carrier = await session.open(request, offers, peer)
    return peer
  }

  async write (bytes: Buffer, pieces?: number | readonly number[]): Promise<void> {
    this.#isWriting = true
    await this.#carrier?.write(bytes, pieces)
    this.#isWriting = false
    this.#answerPing()
  }

  reply (signal: AbortSignal): Promise<Reply> {
    return this.until(() => this.#reply, 'an HTTP reply', signal)
  }

  /** Whether the server ends it without a reply. */
  isGone (signal: AbortSignal): Promise<boolean> {
    return this.until(() => this.#reply !== null ? false : this.gone || this.fault !== null ? true : null, 'an HTTP reply', signal)
  }

  /** Whether a reply makes a WebSocket of it. */
  isAccepted (reply: Reply): boolean {
    if (reply.statusCode !== this.#carrier?.acceptStatus) return false
    this.#carrier.checkAcceptance(reply)
    return true
  }

  /** From here on the server sends frames. */
  accepted (deflation: Deflation | null): void {
    this.#reader = new FrameReader(deflation, event => this.#onEvent(event))
    for (const chunk of this.#early.splice(0)) this.onData(chunk)
  }

  nextMessage (signal: AbortSignal): Promise<ReceivedPayload> {
    return this.until(() => this.#messages.shift() ?? null, 'a message', signal)
  }

  nextPong (signal: AbortSignal): Promise<ReceivedPayload> {
    return this.until(() => this.#pongs.shift() ?? null, 'a pong', signal)
  }

  /** What came and was not asked for. */
  get unexpected (): ReceivedPayload | null {
    return this.#messages[0] ?? this.#pongs[0] ?? null
  }

  /** The first thing that `look` finds; whatever else ends the wait is an error in words. */
  async until<Result> (look: () => Result | null, what: string, signal: AbortSignal): Promise<Result> {
    const abort = (): void => this.#wake()
    signal.addEventListener('abort', abort)
    try {
      for (;;) {
        const result = look()
        if (result !== null) return result
        if (this.fault !== null) throw this.fault
        if (this.close !== null && !what.startsWith('the ')) {
          throw new Error(`the server closed with ${this.close.code} ${this.close.reason} instead of sending ${what}`)
        }
        if (this.gone || (this.ended && what !== 'the close')) throw new Error(`the server ended its side instead of sending ${what}`)
        if (signal.aborted) throw new Error(`${what} did not come in time`)
        await new Promise<void>(resolve => { this.#wake = resolve })
      }
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  halfClose (): void {
    this.#carrier?.end()
  }

  reset (): void {
    this.#carrier?.reset()
  }

  destroy (): void {
    this.#carrier?.destroy()
  }

  onReply (reply: Reply): void {
    this.#reply = reply
    this.#wake()
  }

  onData (chunk: Buffer): void {
    try {
      if (this.#reader !== null) this.#reader.push(chunk)
      else this.#early.push(chunk)
    } catch (error) {
      this.fault ??= error as Error
      this.destroy()
    }
    this.#wake()
  }

  onEnd (): void {
    this.ended = true
    this.#wake()
  }

  onFault (error: Error): void {
    if (!this.ended) this.fault ??= new Error(`the connection failed: ${error.message}`)
    this.#wake()
  }

  onClose (): void {
    this.gone = true
    this.#wake()
  }

  #onEvent (event: Received): void {
    if (event.kind === 'close') {
      this.close = event
    } else if (event.kind === 'ping') {
      this.#ping = event.payload
      this.#answerPing()
    } else if (event.kind === 'pong') {
      this.#pongs.push(event)
    } else {
      this.#messages.push(event)
    }
  }

  #answerPing (): void {
    if (this.#ping === null || this.#isWriting) return
    void this.#carrier?.write(frame({ opcode: 10, payload: this.#ping }))
    this.#ping = null
  }
}
