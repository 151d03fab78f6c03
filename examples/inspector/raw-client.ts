import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { encodeClose } from '../../lib/protocol/close.ts'
import { opcode } from '../../lib/protocol/frame.ts'
import { encodeMaskedFrame } from '../../lib/protocol/frame-encoder.ts'
import { FrameParser } from '../../lib/protocol/frame-parser.ts'
import { MessageAssembler } from '../../lib/protocol/message-assembler.ts'
import { HttpHead } from './http-head.ts'
import { maxPayload } from './experiments.ts'

/** No experiment takes longer, in milliseconds. */
const deadline = 5_000

export interface Address {
  readonly host: string
  readonly port: number
}

/**
 * Opens a WebSocket by hand, over real TCP, writes these bytes, and closes once it is answered. For what no browser can be made to send.
 *
 * @returns settles when the connection is closed
 */
export function sendByHand ({ host, port }: Address, path: string, frames: readonly Buffer[]): Promise<void> {
  // A frame leaves when it is written, not when the one before it was acknowledged.
  const socket = connect({ host, port, noDelay: true })
  let closeSent = false

  const close = (code: number, reason: string): void => {
    if (closeSent) return
    closeSent = true
    socket.write(encodeMaskedFrame(opcode.close, encodeClose(code, reason), randomBytes(4).readInt32BE()))
  }
  const parser = new FrameParser(new MessageAssembler({
    onText: () => close(1000, 'thank you'),
    onBinary: () => close(1000, 'thank you'),
    onPing () {},
    onPong () {},
    onCloseFrame: code => close(code, '')
  }, maxPayload), false)
  const response = new HttpHead(() => {
    for (const frame of frames) socket.write(frame)
  })

  socket.on('connect', () => socket.write([
    `GET ${path} HTTP/1.1`,
    `Host: ${host.includes(':') ? `[${host}]` : host}:${port}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    '', ''
  ].join('\r\n')))
  socket.on('data', chunk => {
    try {
      parser.push(response.push(chunk))
    } catch {
      socket.destroy()
    }
  })
  // Its close, which always follows, says enough.
  socket.on('error', () => {})
  const timer = setTimeout(() => socket.destroy(), deadline)
  return new Promise(resolve => {
    socket.on('close', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
