import type { Client, ClientOptions, ClientState, Credentials, JoinReply, LostConnection, RequestOptions, StateChange, WebSocketLike } from '../../types/client.ts'
import type { ClientMessage, Contract, MessageOfType, ReplyTo, Requests as RequestsOf, ServerMessage, TypeOfMessage } from '../../types/contract.ts'
import type { Notice } from '../../types/notices.ts'
import { longestPause, pauseBefore } from './backoff.ts'
import { WsClientError } from './error.ts'
import { Listeners } from './listeners.ts'
import { Loop } from './loop.ts'
import { resolveOptions, resolveUrl } from './options.ts'
import { Outgoing } from './outgoing.ts'
import type { Payload } from './outgoing.ts'
import { Requests } from './requests.ts'
import type { Fields } from './requests.ts'
import { Rooms } from './rooms.ts'
import type { RoomsOwner } from './rooms.ts'
import { isOffline, onWake } from './wake.ts'

const nothing = (): void => {}

/** One end of a route, over one connection after the other. */
export class WsClient<C extends Contract> implements Client<C> {
  readonly #url: URL
  readonly #options: ReturnType<typeof resolveOptions<C>>
  readonly #stateListeners = new Listeners<StateChange>()
  readonly #listeners = new Map<unknown, Listeners<never>>()
  readonly #loops = new Set<Loop>()
  readonly #requests: Requests
  readonly #outgoing: Outgoing
  readonly #rooms: Rooms
  readonly #stopWaking: () => void
  #state: ClientState = 'waiting'
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
  #timer: ReturnType<typeof setTimeout> | undefined = undefined
  /** Another one than at the start of an attempt: that is over. */
  #attempt = {}
  #openedAt = Infinity
  #heardAt = 0
  /** How long nothing may come. */
  #silence = Infinity
  #silenceTimer: ReturnType<typeof setTimeout> | undefined = undefined
  /** Why it ended, where the application did not end it. */
  #failure: Error | null = null

  constructor (url: string | { readonly href: string }, options: ClientOptions<C>) {
    this.#options = resolveOptions(options)
    this.#url = resolveUrl(url)
    this.#requests = new Requests(id => this.#outgoing.remove(id))
    this.#outgoing = new Outgoing(this.#options.size, this.#options.policy, (id, error) => this.#requests.fail(id, error))
    this.#rooms = new Rooms(this.#roomsOwner(), this.#options.requestTimeout, this.#options.rooms ?? {})
    this.#stopWaking = onWake(() => this.#wake())
    this.#tryIfOnline()
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

  on<Type extends TypeOfMessage<C>> (type: Type, listener: (message: MessageOfType<C, Type>) => void): () => void {
    let listeners = this.#listeners.get(type)
    if (listeners === undefined) this.#listeners.set(type, listeners = new Listeners())
    return listeners.add(listener)
  }

  send (message: ClientMessage<C>): void {
    this.#put(this.#options.codec.encode(message))
  }

  request<const Message extends RequestsOf<C>> (message: Message, options: RequestOptions = {}): Promise<ReplyTo<C, Message>> {
    return new Promise((resolve, reject) => {
      const { timeout = this.#options.requestTimeout, signal } = options
      if (signal?.aborted === true) throw signal.reason
      this.#ask(message, resolve as (reply: unknown) => void, reject, timeout, signal)
    })
  }

  join (room: string, onJoined?: (reply: JoinReply<C>) => void): Promise<JoinReply<C>> {
    return new Promise((resolve, reject) => {
      this.#checkOpen()
      this.#rooms.join(room, onJoined as (reply: unknown) => void).then(resolve as (reply: unknown) => void, reject)
      this.#rouse()
    })
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

  [Symbol.asyncIterator] (): AsyncIterator<ServerMessage<C> | Notice, undefined> {
    const loop = new Loop(this.#options.buffer, loop => this.#loops.delete(loop))
    this.#loops.add(loop)
    if (this.#state === 'closed') loop.end(this.#failure)
    return loop as AsyncIterator<ServerMessage<C> | Notice, undefined>
  }

  #roomsOwner (): RoomsOwner {
    const isOpen = (): boolean => this.#isOpen
    return {
      get isOpen () { return isOpen() },
      ask: (message, resolve, reject) => this.#ask(message, resolve, reject),
      send: message => this.#put(this.#options.codec.encode(message)),
      deliver: message => this.#deliver(message),
      drop: reason => this.#lose(1006, reason),
      pauseBefore: failures => this.#pauseBefore(failures)
    }
  }

  get #isOpen (): boolean {
    return this.#state === 'open' && this.#socket?.readyState === 1
  }

  #checkOpen (): void {
    if (this.#state === 'closed') throw this.#failure ?? new WsClientError('WS_CLIENT_CLOSED', 'the client is closed')
  }

  #ask (message: unknown, resolve: (reply: Fields) => void, reject: (error: unknown) => void, timeout?: number, signal?: RequestOptions['signal']): void {
    this.#checkOpen()
    const id = this.#requests.add(resolve, reject, timeout, signal)
    try {
      this.#put(this.#options.codec.encode({ ...message as Fields, id }), id)
    } catch (error) {
      this.#requests.fail(id, error)
    }
  }

  #put (payload: Payload, id?: string): void {
    this.#checkOpen()
    if (this.#isOpen) {
      if (id !== undefined) this.#requests.sent(id)
      this.#socket?.send(payload as never)
    } else {
      this.#outgoing.put(payload, id)
      this.#rouse()
    }
  }

  #rouse (): void {
    if (this.#isDozing && this.#state === 'waiting') void this.#try()
  }

  #change (state: ClientState, retryIn: number | null = null): void {
    this.#state = state
    this.#stateListeners.tell({ state, lost: this.#lost, retryIn })
  }

  #tryIfOnline (): void {
    if (isOffline()) this.#change('waiting')
    else void this.#try()
  }

  async #try (): Promise<void> {
    const attempt = this.#begin()
    const { authenticate } = this.#options
    const refused = this.#refused
    let credentials: Credentials | null = null
    if (authenticate !== undefined) {
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

  #begin (): object {
    const attempt = this.#attempt = {}
    this.#isDozing = false
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#lose(1006, 'no connection in time'), this.#options.connectTimeout)
    this.#change('connecting')
    return attempt
  }

  #dial ({ query = {}, protocols = [] }: Credentials): void {
    const { WebSocket, protocols: others } = this.#options
    const url = new URL(this.#url)
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
    try {
      const socket = this.#socket = new WebSocket(url.href, [...new Set([...protocols, ...others])])
      socket.binaryType = 'arraybuffer'
      socket.onopen = () => this.#onOpen()
      socket.onmessage = ({ data }: { data: string | ArrayBuffer }) => this.#onPayload(data)
      socket.onerror = nothing
      socket.onclose = ({ code, reason }: LostConnection) => this.#lose(code, reason)
    } catch (error) {
      // Another attempt would fail as this one.
      this.#end(new WsClientError('WS_CLIENT_OPTION', String(error)))
    }
  }

  #onOpen (): void {
    clearTimeout(this.#timer)
    this.#openedAt = this.#heardAt = Date.now()
    this.#silence = this.#options.silenceTimeout || Infinity
    this.#watch()
    this.#state = 'open'
    this.#rooms.onOpen()
    for (const { payload, id } of this.#outgoing.take()) this.#put(payload, id)
    this.#change('open')
  }

  #onPayload (payload: string | ArrayBuffer): void {
    this.#heardAt = Date.now()
    this.#failures = 0
    this.#isUntried = false
    let message: unknown
    try {
      message = this.#options.codec.decode(payload)
    } catch (error) {
      message = { type: 'error', code: 'WS_CLIENT_PAYLOAD', message: String(error) }
    }
    const fields = Object(message) as Fields
    if (this.#requests.answer(fields) || this.#rooms.holds(fields)) return
    if (fields.type === 'heartbeat') this.#onHeartbeat(Number(fields.interval))
    this.#deliver(message)
  }

  #deliver (message: unknown): void {
    if (this.#state === 'closed') return
    const fields = Object(message) as Fields
    this.#listeners.get(fields[this.#options.discriminator] ?? fields.type)?.tell(message as never)
    for (const loop of [...this.#loops]) loop.push(message)
  }

  /** A server that misses one is busy; one that misses two has gone. */
  #onHeartbeat (interval: number): void {
    if (!(interval > 0 && interval < 2 ** 30) || this.#options.silenceTimeout > 0) return
    this.#silence = 2 * interval
    this.#watch()
  }

  /** @param isSure what may have come while nothing could run has had its chance */
  #watch (isSure = false): void {
    clearTimeout(this.#silenceTimer)
    const left = this.#heardAt + this.#silence - Date.now()
    if (left === Infinity) return
    if (left <= 0 && isSure) this.#lose(1006, 'silence')
    else this.#silenceTimer = setTimeout(() => this.#watch(left <= 0), Math.max(left, 10))
  }

  #wake (): void {
    if (this.#state === 'waiting') this.#tryIfOnline()
    else if (this.#state === 'open' && Date.now() - this.#heardAt > this.#silence) this.#lose(1006, 'silence', true)
  }

  #pauseBefore (failures: number): number {
    return pauseBefore(failures, this.#options.base, this.#options.cap)
  }

  /** Lets go of the connection. One that is dead may take long to close: it is not waited for. */
  #drop (code?: number, reason?: string): void {
    clearTimeout(this.#timer)
    clearTimeout(this.#silenceTimer)
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

  #lose (code: number, reason: string, isUrgent = false): void {
    this.#drop()
    const { reconnect, base, cap, authenticate } = this.#options
    const lost = this.#lost = { code, reason }
    // A server that closes what it has just accepted must not be tried again and again as if that were a connection.
    if (Date.now() - this.#openedAt >= longestPause(this.#failures, base, cap)) this.#failures = 0
    this.#openedAt = Infinity
    this.#requests.failAll(new WsClientError('WS_CLIENT_LOST', `the connection was lost: ${code} ${reason}`), true)
    this.#rooms.onLost()
    const isRefusal = code !== 4408 && (code === 1008 || (code >= 4400 && code < 4500))
    if (isRefusal) this.#refused = lost
    if (reconnect === false || code === 1000 || (isRefusal && (authenticate === undefined || this.#isUntried))) this.#refuse(lost)
    else if (isUrgent) this.#tryIfOnline()
    else this.#wait(code === 4408 && this.queued === 0)
  }

  #wait (isDozing: boolean): void {
    this.#isDozing = isDozing
    const isPlanned = !isDozing && !isOffline()
    const retryIn = isPlanned ? this.#pauseBefore(this.#failures++) : null
    if (retryIn !== null) this.#timer = setTimeout(() => this.#tryIfOnline(), retryIn)
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
    this.#outgoing.take()
    this.#requests.failAll(error, false)
    this.#rooms.clear(error)
    this.#change('closed')
    for (const loop of [...this.#loops]) loop.end(failure)
  }
}
