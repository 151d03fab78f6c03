import { spawn } from 'node:child_process'
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Test } from 'tap'
import WebSocketOfWs from 'ws'
import type { ClientOptions } from 'ws'
import type { Payload } from '../../types/index.ts'
import { packageRoot } from '../helpers/paths.ts'

/** How a peer saw the end of a connection. */
export interface PeerClose {
  readonly code: number
  readonly reason: string
}

/** A connection as the peer sees it. */
export interface PeerConnection {
  readonly protocol: string
  /** The extensions that were negotiated. */
  readonly extensions: string
  send (message: Payload): void
  receive (): Promise<Payload>
  close (code: number, reason: string): Promise<PeerClose>
  closed (): Promise<PeerClose>
}

/** A client that somebody else wrote. */
export interface Peer {
  open (url: string, protocols?: readonly string[]): Promise<PeerConnection>
  /** The HTTP status with which the upgrade is refused. */
  refusal (url: string): Promise<number>
}

/* Clients with the interface that browsers have. */

/** As much of a browser's WebSocket as the suite uses; ws, undici and Node all have it. */
interface BrowserWebSocket {
  binaryType: string
  readonly protocol: string
  readonly extensions: string
  send (message: string | Uint8Array): void
  close (code?: number, reason?: string): void
  addEventListener (type: 'open' | 'error', listener: () => void): void
  addEventListener (type: 'message', listener: (event: { data: unknown }) => void): void
  addEventListener (type: 'close', listener: (event: PeerClose) => void): void
}

export type BrowserWebSocketClass = new (url: string, protocols?: string[]) => BrowserWebSocket

function openBrowserLike (WebSocket: BrowserWebSocketClass, url: string, protocols: readonly string[] = []): Promise<PeerConnection> {
  const socket = new WebSocket(url, [...protocols])
  socket.binaryType = 'arraybuffer'
  const messages: Payload[] = []
  const waiting: Array<(message: Payload) => void> = []
  const closed = new Promise<PeerClose>(resolve => socket.addEventListener('close', ({ code, reason }) => resolve({ code, reason })))
  socket.addEventListener('message', ({ data }) => {
    const message = typeof data === 'string' ? data : Buffer.from(data as ArrayBuffer)
    const waiter = waiting.shift()
    if (waiter === undefined) messages.push(message)
    else waiter(message)
  })
  const connection: PeerConnection = {
    get protocol () { return socket.protocol },
    get extensions () { return socket.extensions },
    send: message => socket.send(message),
    receive: () => new Promise(resolve => {
      const message = messages.shift()
      if (message === undefined) waiting.push(resolve)
      else resolve(message)
    }),
    close (code, reason) {
      socket.close(code, reason)
      return closed
    },
    closed: () => closed
  }
  return new Promise((resolve, reject) => {
    socket.addEventListener('open', () => resolve(connection))
    socket.addEventListener('error', () => reject(new Error('the connection failed')))
  })
}

/** ws, whose upgrade requests are sent with these options. */
export function wsWith (options: ClientOptions): Peer {
  class Client extends WebSocketOfWs {
    constructor (url: string, protocols?: string[]) {
      super(url, protocols, options)
    }
  }
  return {
    open: (url, protocols) => openBrowserLike(Client as BrowserWebSocketClass, url, protocols),
    async refusal (url) {
      const socket = new Client(url)
      const [request, response] = await once(socket, 'unexpected-response')
      request.destroy()
      return response.statusCode
    }
  }
}

export const ws = wsWith({})

/** undici's, and Node's own, which is undici's too: the status is for diagnostics only, as pages must not see it. */
export function undiciLike (WebSocket: BrowserWebSocketClass): Peer {
  return {
    open: (url, protocols) => openBrowserLike(WebSocket, url, protocols),
    async refusal (url) {
      let status = 0
      const onHeaders = (message: unknown): void => { status = (message as { response: { statusCode: number } }).response.statusCode }
      subscribe('undici:request:headers', onHeaders)
      try {
        await openBrowserLike(WebSocket, url)
      } catch {
        return status
      } finally {
        unsubscribe('undici:request:headers', onHeaders)
      }
      throw new Error('the upgrade was not refused')
    }
  }
}

/* Python's websockets, in a process of its own. */

type PythonAnswer = { text?: string, binary?: string, status?: number, protocol?: string, extensions?: string, code?: number, reason?: string }

export class PythonPeer implements Peer, PeerConnection {
  protocol = ''
  extensions = ''
  readonly #process: ChildProcessWithoutNullStreams
  readonly #answers: AsyncIterator<string>
  /** Commands are obeyed one after the other. */
  #last: Promise<unknown> = Promise.resolve()

  /** The process ends with the test. */
  constructor (t: Test, interpreter: string) {
    this.#process = spawn(interpreter, [join(packageRoot, 'test/e2e/peer.py')])
    this.#answers = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]()
    this.#process.stderr.pipe(process.stderr, { end: false })
    const exited = once(this.#process, 'exit')
    t.after(async () => {
      this.#process.stdin.end()
      await exited
    })
  }

  /** @param heartbeat seconds between its pings */
  async open (url: string, protocols: readonly string[] = [], heartbeat = 20): Promise<this> {
    const { status, protocol = '', extensions = '' } = await this.#ask('open', url, protocols, heartbeat)
    if (status !== undefined) throw new Error(`refused with status ${status}`)
    this.protocol = protocol
    this.extensions = extensions
    return this
  }

  async refusal (url: string): Promise<number> {
    const { status = 0 } = await this.#ask('open', url, [], 20)
    return status
  }

  send (message: Payload): void {
    void this.#ask('send', toJson(message))
  }

  sendFragments (messages: readonly Payload[]): void {
    void this.#ask('fragments', messages.map(toJson))
  }

  async receive (): Promise<Payload> {
    const { text, binary = '' } = await this.#ask('receive')
    return text ?? Buffer.from(binary, 'base64')
  }

  /** Settles when the pong is there. */
  async ping (): Promise<void> {
    await this.#ask('ping')
  }

  async close (code: number, reason: string): Promise<PeerClose> {
    return closeOf(await this.#ask('close', code, reason))
  }

  async closed (): Promise<PeerClose> {
    return closeOf(await this.#ask('closed'))
  }

  #ask (...command: unknown[]): Promise<PythonAnswer> {
    this.#process.stdin.write(`${JSON.stringify(command)}\n`)
    const answer = this.#last.then(async () => {
      const { value, done } = await this.#answers.next()
      if (done === true) throw new Error('the Python peer has ended')
      return JSON.parse(value) as PythonAnswer
    })
    this.#last = answer
    return answer
  }
}

function toJson (message: Payload): PythonAnswer {
  return typeof message === 'string' ? { text: message } : { binary: message.toString('base64') }
}

function closeOf ({ code = 0, reason = '' }: PythonAnswer): PeerClose {
  return { code, reason }
}
