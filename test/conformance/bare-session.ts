import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { acknowledgement, data, errorCode, frameFlag, frameType, headers, Http2FrameReader, preface, readStatus, rstStream, setting, settings } from '../helpers/http2-frames.ts'
import type { Http2Frame } from '../helpers/http2-frames.ts'
import { Carrier } from './carrier.ts'
import type { CarrierOwner, Session, Target } from './carrier.ts'
import type { RequestSpec } from './case.ts'
import { connectFields } from './connect-fields.ts'

/** What announces SETTINGS_ENABLE_CONNECT_PROTOCOL. */
const announcement = settings([[setting.enableConnectProtocol, 1]]).subarray(-6)

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
  /** To the server's SETTINGS and PING, which must not come within a frame that is written piece by piece. */
  #answers: Buffer[] = []
  #isWriting = false
  #announce: () => void = () => {}

  constructor (socket: Socket, owner: CarrierOwner) {
    super(socket)
    this.#socket = socket
    this.#owner = owner
    this.announced = new Promise(resolve => { this.#announce = resolve })
    socket.setNoDelay()
    const reader = new Http2FrameReader(frame => this.#onFrame(frame))
    socket.on('data', chunk => reader.push(chunk))
    // Its close follows: however the session ends, that is an answer to what HTTP/2 refuses.
    socket.on('error', () => {})
    socket.on('close', () => { this.#announce(); owner.onClose() })
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

  #onFrame (frame: Http2Frame): void {
    const { type, flags, stream, payload } = frame
    const owner = this.#owner
    if ((type === frameType.settings || type === frameType.ping) && (flags & frameFlag.ack) === 0) this.#answer(acknowledgement(frame))
    if (type === frameType.settings && (flags & frameFlag.ack) === 0) this.#onSettings(payload)
    else if (type === frameType.goAway && payload.readUInt32BE(4) !== errorCode.noError) owner.onClose()
    else if (stream === 0) return
    else if (type === frameType.headers) owner.onReply({ statusCode: readStatus(payload), headers: {} })
    else if (type === frameType.data) owner.onData(payload)
    else if (type === frameType.rstStream) owner.onClose()
    if ((type === frameType.headers || type === frameType.data) && (flags & frameFlag.endStream) !== 0) owner.onEnd()
  }

  #onSettings (payload: Buffer): void {
    const pairs = Array.from({ length: payload.length / 6 }, (_, i) => payload.subarray(6 * i, 6 * i + 6))
    if (!pairs.some(pair => pair.equals(announcement))) this.#owner.onFault(new Error('the server does not announce SETTINGS_ENABLE_CONNECT_PROTOCOL'))
    this.#announce()
  }

  #answer (frame: Buffer): void {
    if (this.#isWriting) this.#answers.push(frame)
    else this.#socket.write(frame)
  }
}
