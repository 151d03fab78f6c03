import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { constants, deflateRawSync } from 'node:zlib'
import type { Test } from 'tap'
import { readFrame, text } from '../../helpers/bytes.ts'
import { packageRoot } from '../../helpers/paths.ts'
import type { ClientCommand } from './client.ts'
import { suspend } from '../../helpers/processes.ts'

/** A client that can be lost without a word. */
export interface LosableClient {
  write (bytes: Buffer): void
  stopReading (): void
  lose (): void
}

/** A client whose TCP connection is reset, over TLS too. */
export class ResetClient implements LosableClient {
  readonly #tcp: Socket
  readonly #socket: Socket

  private constructor (t: Test, tcp: Socket, socket: Socket) {
    this.#tcp = tcp
    this.#socket = socket
    for (const each of [tcp, socket]) each.on('error', () => {})
    socket.resume()
    t.after(() => { tcp.destroy() })
  }

  static async connect (t: Test, port: number): Promise<ResetClient> {
    const tcp = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    await once(tcp, 'connect')
    return new ResetClient(t, tcp, tcp)
  }

  static async connectTls (t: Test, port: number): Promise<ResetClient> {
    const tcp = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    const socket = connectTls({ socket: tcp, rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    return new ResetClient(t, tcp, socket)
  }

  write (bytes: Buffer): void {
    this.#socket.write(bytes)
  }

  stopReading (): void {
    this.#socket.pause()
  }

  lose (): void {
    this.#tcp.resetAndDestroy()
  }
}

/** A client in a process of its own. */
export class ClientProcess implements LosableClient {
  readonly #process: ChildProcess
  #received = Buffer.alloc(0)
  #wake: () => void = () => {}

  private constructor (t: Test, child: ChildProcess) {
    this.#process = child
    child.on('message', message => {
      if (!(message instanceof Uint8Array)) return
      this.#received = Buffer.concat([this.#received, message])
      this.#wake()
    })
    const exited = once(child, 'exit')
    t.after(async () => {
      child.kill('SIGKILL')
      await exited
    })
  }

  static async connect (t: Test, port: number): Promise<ClientProcess> {
    const child = fork(join(packageRoot, '.build/test/e2e/faults/client.js'), [String(port)], { serialization: 'advanced', env: {} })
    const client = new ClientProcess(t, child)
    await once(child, 'message')
    return client
  }

  write (bytes: Buffer): void {
    this.#command({ write: bytes })
  }

  stopReading (): void {
    this.#command('stop reading')
  }

  lose (): void {
    this.#process.kill('SIGKILL')
  }

  /** It neither reads nor answers, while its kernel keeps the connection. */
  async stall (): Promise<void> {
    await suspend(Number(this.#process.pid))
  }

  wakeUp (): void {
    this.#process.kill('SIGCONT')
  }

  /** Reads past the reply to its upgrade. */
  async upgraded (): Promise<void> {
    const end = await this.#until(() => {
      const index = this.#received.indexOf('\r\n\r\n')
      return index === -1 ? null : index
    })
    this.#received = this.#received.subarray(end + 4)
  }

  /** The next frame: its opcode and its payload. */
  async frame (): Promise<{ opcode: number, payload: Buffer }> {
    const { frame, size } = await this.#until(() => readFrame(this.#received))
    this.#received = this.#received.subarray(size)
    return frame
  }

  #command (command: ClientCommand): void {
    this.#process.send(command)
  }

  async #until<Result> (look: () => Result | null): Promise<Result> {
    for (;;) {
      const result = look()
      if (result !== null) return result
      await new Promise<void>(resolve => { this.#wake = resolve })
    }
  }
}

/** An upgrade request as bytes. */
export function upgradeBytes (path: string, { deflate = false } = {}): Buffer {
  const extensions = deflate ? 'Sec-WebSocket-Extensions: permessage-deflate\r\n' : ''
  return Buffer.from(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
    `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${extensions}\r\n`)
}

/** A compressed text message (RFC 7692 section 7.2.1). */
export function compressedText (payload: string): Buffer {
  return text(deflateRawSync(payload, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4), { rsv: 4 })
}
