import type { ClientState, Credentials, LostConnection, RequestOptions, StateChange, WebSocketLike } from '../../types/client.ts'
import { longestPause, pauseBefore } from './backoff.ts'
import { WsClientError } from './error.ts'
import { Listeners } from './listeners.ts'
import { Loop } from './loop.ts'
import { resolveOptions, resolveUrl, wrong } from './options.ts'
import type { AnyOptions } from './options.ts'
import { Outgoing } from './outgoing.ts'
import type { Fields, Payload } from './outgoing.ts'
import { Rooms } from './rooms.ts'
import type { RoomsOwner } from './rooms.ts'
import { Silence } from './silence.ts'
import { isOffline, onWake } from './wake.ts'

const nothing = (): void => {}

/** A `Client`, to which all messages are alike. */
export class WsClient implements AsyncIterable<unknown> {
  readonly #url: URL
  readonly #options: ReturnType<typeof resolveOptions>
  readonly #stateListeners = new Listeners<StateChange>()
  readonly #listeners = new Map<unknown, Listeners<never>>()
  readonly #loops = new Set<Loop>()
  readonly #outgoing: Outgoing
  readonly #rooms: Rooms
  readonly #stopWaking: () => void
  #state: ClientState = 'waiting'
  #latest: StateChange | null = null
  #socket: WebSocketLike | null = null
  #lost: LostConnection | null = null
  /** How the server refused the last connection, until there are other credentials. */
  #refused: LostConnection | null = null
  /** These have not been seen to be good for anything. */
  #isUntried = false
  /** The server had enough of silence: it is not troubled before there is something to say. */
  #isDozing = false
  /** How often in a row there was no use in it. */
  #failures = 0
  /** Until the next attempt is made, or this one is given up. */
  #timer: ReturnType<typeof setTimeout> | undefined
  /** Another one than at the start of an attempt: that is over. */
  #attempt = {}
  #openedAt = Infinity
  readonly #silence = new Silence(() => this.#lose(1006, 'silence'))
  /** Why it ended, where the application did not end it. */
  #failure: Error | null = null

  constructor (url: string | { readonly href: string }, options: AnyOptions) {
    this.#options = resolveOptions(options)
    this.#url = resolveUrl(url)
    this.#outgoing = new Outgoing(this.#options, payload => this.#write(payload))
    const owner: RoomsOwner = {
      isOpen: () => this.#isOpen,
      deliver: message => this.#deliver(message),
      drop: reason => this.#lose(1006, reason)
    }
    this.#rooms = new Rooms(owner, this.#outgoing, this.#options)
    this.#stopWaking = onWake(() => this.#wake())
    this.#tryIfOnline()
    if (this.#failure !== null) throw this.#failure
  }

  get state (): ClientState {
    return this.#state
  }

  get protocol (): string {
    return this.#socket?.protocol ?? ''
  }

  get bufferedAmount (): number {
    return this.#socket?.bufferedAmount ?? 0
  }

  get queued (): number {
    return this.#outgoing.length
  }

  onState (listener: (change: StateChange) => void): () => void {
    return this.#stateListeners.add(listener)
  }

  on (type: unknown, listener: (message: never) => void): () => void {
    let listeners = this.#listeners.get(type)
    if (listeners === undefined) this.#listeners.set(type, listeners = new Listeners())
    return listeners.add(listener)
  }

  send (message: unknown): void {
    this.#rouse()
    this.#outgoing.send(message)
  }

  request (message: unknown, options: RequestOptions = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { timeout = this.#options.requestTimeout, signal } = options
      if (signal?.aborted) throw signal.reason
      this.#rouse()
      this.#outgoing.ask(message, (error, reply) => error === null ? resolve(reply) : reject(error), timeout, signal)
    })
  }

  join (room: string, onJoined?: (reply: never) => void): Promise<unknown> {
    try {
      this.#rouse()
      return this.#rooms.join(room, onJoined)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  leave (room: string): void {
    this.#rooms.leave(room)
  }

  retry (): void {
    if (this.#state === 'waiting') void this.#try()
  }

  close (code = 1000, reason = ''): void {
    this.#end(null, code, reason)
  }

  [Symbol.asyncIterator] (): AsyncIterator<unknown, undefined> {
    const loop = new Loop(this.#options.buffer, this.#loops)
    if (this.#state === 'closed') loop.end(this.#failure)
    return loop
  }

  get #isOpen (): boolean {
    return this.#state === 'open' && this.#socket?.readyState === 1
  }

  #write (payload: Payload): boolean {
    if (this.#isOpen) this.#socket?.send(payload as never)
    return this.#isOpen
  }

  /** There is something to say. */
  #rouse (): void {
    if (this.#isDozing) this.retry()
    if (this.#state === 'closed') throw this.#failure ?? new WsClientError('WS_CLIENT_CLOSED', 'the client is closed')
  }

  #change (state: ClientState, retryIn: number | null = null): void {
    const change = this.#latest = { state, lost: this.#lost, retryIn }
    this.#state = state
    // A listener may change it again: the others are told of that first, and have no use for what was before.
    this.#stateListeners.tell(change, () => change === this.#latest)
  }

  #tryIfOnline (): void {
    if (isOffline()) this.#change('waiting')
    else void this.#try()
  }

  async #try (): Promise<void> {
    const attempt = this.#attempt = {}
    this.#isDozing = false
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#lose(1006, 'no connection in time'), this.#options.connectTimeout)
    this.#change('connecting')
    const { authenticate } = this.#options
    const refused = this.#refused
    let credentials: Credentials | null = null
    // Without it nothing is waited for: the first attempt is made before `connect` returns.
    if (authenticate !== undefined && attempt === this.#attempt) {
      try {
        credentials = await authenticate(refused)
      } catch (error) {
        if (attempt === this.#attempt && refused === null) this.#lose(1006, String(error))
      }
    }
    if (attempt !== this.#attempt) return
    if (refused !== null) {
      if (credentials === null) return this.#refuse(refused)
      this.#isUntried = true
      this.#refused = null
    }
    this.#dial(credentials ?? {})
  }

  #dial ({ query = {}, protocols = [] }: Credentials): void {
    const { WebSocket, protocols: others = [] } = this.#options
    const url = new URL(this.#url)
    for (const name in query) url.searchParams.set(name, query[name])
    try {
      const socket = this.#socket = new WebSocket(url.href, [...protocols, others].flat())
      socket.binaryType = 'arraybuffer'
      socket.onopen = () => this.#onOpen()
      socket.onmessage = ({ data }: { data: string | ArrayBuffer }) => this.#onPayload(data)
      socket.onerror = nothing
      socket.onclose = ({ code, reason }: LostConnection) => this.#lose(code, reason)
    } catch (error) {
      // Another attempt would fail as this one.
      this.#end(wrong(String(error)))
    }
  }

  #onOpen (): void {
    clearTimeout(this.#timer)
    this.#openedAt = Date.now()
    this.#silence.end()
    this.#silence.watch(this.#options.silenceTimeout || Infinity)
    this.#state = 'open'
    this.#rooms.onOpen()
    this.#outgoing.flush()
    // A listener that was told of a refused room may have closed it.
    if (this.#isOpen) this.#change('open')
  }

  #onPayload (payload: string | ArrayBuffer): void {
    this.#silence.end()
    let message: unknown
    try {
      message = this.#options.codec.decode(payload)
    } catch (error) {
      message = { type: 'error', code: 'WS_CLIENT_PAYLOAD', message: String(error) }
    }
    const fields = Object(message) as Fields
    // A server that misses one is busy; one that misses two has gone.
    const limit = 2 * Number(fields.interval)
    if (fields.type !== 'heartbeat') this.#isUntried = false
    else if (limit > 0 && limit < 2 ** 31 && !this.#options.silenceTimeout) this.#silence.watch(limit)
    if (!this.#outgoing.answer(fields) && !this.#rooms.holds(fields)) this.#deliver(message)
  }

  #deliver (message: unknown): void {
    if (this.#state === 'closed') return
    const fields = Object(message) as Fields
    this.#listeners.get(fields[this.#options.discriminator as string] ?? fields.type)?.tell(message as never)
    for (const loop of [...this.#loops]) loop.push(message)
  }

  #wake (): void {
    if (this.#silence.isTooLong) this.#lose(1006, 'silence')
    if (this.#state === 'waiting') this.#tryIfOnline()
  }

  /** Lets go of the connection. One that is dead may take long to close: it is not waited for. */
  #drop (code?: number, reason?: string): void {
    clearTimeout(this.#timer)
    this.#silence.stop()
    this.#attempt = {}
    const socket = this.#socket
    this.#socket = null
    if (socket === null) return
    socket.onopen = socket.onmessage = socket.onerror = socket.onclose = nothing
    try {
      socket.close(code, reason)
    } catch {
      // A code or reason that may not be sent must not keep it open.
      socket.close()
    }
  }

  #lose (code: number, reason: string): void {
    this.#drop()
    const { reconnect, authenticate } = this.#options
    const lost = this.#lost = { code, reason }
    // A server that closes what it has just accepted must not be tried again and again as if that were a connection, whatever it said before.
    if (Date.now() - this.#openedAt >= longestPause(this.#failures, this.#options)) {
      this.#failures = 0
      this.#isUntried = false
    }
    this.#openedAt = Infinity
    this.#outgoing.lose(new WsClientError('WS_CLIENT_LOST', `lost: ${code} ${reason}`))
    const isAwaited = this.#rooms.onLost()
    const isRefusal = /1008|44(?!08)../.test(String(code))
    if (isRefusal) this.#refused = lost
    if (reconnect === false || code === 1000 || (isRefusal && (authenticate === undefined || this.#isUntried))) this.#refuse(lost)
    else this.#wait(code === 4408 && this.queued === 0 && !isAwaited)
  }

  #wait (isDozing: boolean): void {
    this.#isDozing = isDozing
    let retryIn: number | null = null
    if (!isDozing && !isOffline()) {
      retryIn = pauseBefore(this.#failures++, this.#options)
      this.#timer = setTimeout(() => this.#tryIfOnline(), retryIn)
    }
    this.#change('waiting', retryIn)
  }

  #refuse ({ code, reason }: LostConnection): void {
    this.#end(new WsClientError('WS_CLIENT_CLOSED', `the server ended it: ${code} ${reason}`))
  }

  #end (failure: Error | null, code?: number, reason?: string): void {
    if (this.#state === 'closed') return
    this.#drop(code, reason)
    this.#stopWaking()
    this.#failure = failure
    const error = failure ?? new WsClientError('WS_CLIENT_CLOSED', 'the client is closed')
    this.#outgoing.clear(error)
    this.#rooms.clear(error)
    this.#change('closed')
    for (const loop of [...this.#loops]) loop.end(failure)
  }
}
