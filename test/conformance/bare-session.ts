import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { data, errorCode, frameFlag, frameType, headers, http2Frame, preface, readHttp2Frame, readStatus, rstStream, settings } from '../helpers/http2-bytes.ts'
import type { ReadHttp2Frame } from '../helpers/http2-bytes.ts'
import { Carrier } from './carrier.ts'
import type { CarrierOwner, Session, Target } from './carrier.ts'
import type { RequestSpec } from './case.ts'
import { connectFields } from './connect-fields.ts'

/** SETTINGS_ENABLE_CONNECT_PROTOCOL with 1 (RFC 8441 section 3). */
const announcement = Buffer.from([0, 8, 0, 0, 0, 1])

/** Each WebSocket on stream 1 of a session of its own, whose frames are the case's own. */
export class BareSession implements Session {
  readonly #target: Target

  constructor (target: Target) {
    this.#target = target
  }

  async open (request: RequestSpec, offers: readonly string[], owner: CarrierOwner): Promise<Carrier> {
    const { host, port, secure = false } = this.#target
    const socket = secure ? connectTls({ host, port, ALPNProtocols: ['h2'], rejectUnauthorized: false }) : connect({ host, port })
    await once(socket, secure ? 'secureConnect' : 'connect')
    const carrier = new BareCarrier(socket, owner)
    await carrier.write(Buffer.concat([preface, settings()]), request.pieces)
    await carrier.announced
    const asked = headers(connectFields(this.#target, request, offers), { endStream: request.isEnded, pieces: request.blockPieces })
    await carrier.write(Buffer.concat([asked, request.head ?? Buffer.alloc(0)]), request.pieces)
    return carrier
  }

  release (): void {}
}

/** What is written are frames of HTTP/2. It moves less than a window, and opens none. */
class BareCarrier extends Carrier {
  readonly acceptStatus = 200
  /** Settles with the server's settings. */
  readonly announced: Promise<void>
  readonly #socket: Socket
  readonly #owner: CarrierOwner
  #rest = Buffer.alloc(0)
  /** To the server's SETTINGS and PING, which must not come within a frame that is written piece by piece. */
  #answers: Buffer[] = []
  #isWriting = false
  #onSettings: () => void = () => {}

  constructor (socket: Socket, owner: CarrierOwner) {
    super(socket)
    this.#socket = socket
    this.#owner = owner
    this.announced = new Promise(resolve => { this.#onSettings = resolve })
    socket.setNoDelay()
    socket.on('data', chunk => this.#onData(chunk))
    // Its close follows: however the session ends, that is an answer to what HTTP/2 refuses.
    socket.on('error', () => {})
    socket.on('close', () => { this.#onSettings(); owner.onClose() })
  }

  override async write (bytes: Buffer, pieces?: number | readonly number[]): Promise<void> {
    this.#isWriting = true
    await super.write(bytes, pieces)
    this.#isWriting = false
    for (const answer of this.#answers.splice(0)) this.#socket.write(answer)
  }

  /** Its fields are not read: the other sessions' are. */
  checkAcceptance (): void {}

  end (): void {
    this.#socket.write(data(Buffer.alloc(0), { endStream: true }))
  }

  reset (): void {
    this.#socket.end(rstStream(errorCode.cancel))
  }

  destroy (): void {
    this.#socket.destroy()
  }

  #onData (chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk])
    for (let read = readHttp2Frame(this.#rest); read !== null; read = readHttp2Frame(this.#rest)) {
      this.#rest = this.#rest.subarray(read.size)
      this.#onFrame(read.frame)
    }
  }

  #onFrame ({ type, flags, stream, payload }: ReadHttp2Frame): void {
    const owner = this.#owner
    if (type === frameType.settings && (flags & frameFlag.ack) === 0) this.#onAnnouncement(payload)
    else if (type === frameType.ping && (flags & frameFlag.ack) === 0) this.#answer(http2Frame(frameType.ping, frameFlag.ack, 0, payload))
    else if (type === frameType.goAway && payload.readUInt32BE(4) !== errorCode.none) owner.onClose()
    else if (stream === 0) return
    else if (type === frameType.headers) owner.onReply({ statusCode: readStatus(payload), headers: {} })
    else if (type === frameType.data) owner.onData(payload)
    else if (type === frameType.rstStream) owner.onClose()
    if ((type === frameType.headers || type === frameType.data) && (flags & frameFlag.endStream) !== 0) owner.onEnd()
  }

  #onAnnouncement (payload: Buffer): void {
    const pairs = Array.from({ length: payload.length / 6 }, (_, i) => payload.subarray(6 * i, 6 * i + 6))
    if (!pairs.some(pair => pair.equals(announcement))) this.#owner.onFault(new Error('the server does not announce SETTINGS_ENABLE_CONNECT_PROTOCOL'))
    this.#answer(http2Frame(frameType.settings, frameFlag.ack, 0))
    this.#onSettings()
  }

  #answer (frame: Buffer): void {
    if (this.#isWriting) this.#answers.push(frame)
    else this.#socket.write(frame)
  }
}
