import type { EventEmitter } from 'node:events'
import { createRequire } from 'node:module'
import type { SeenEvent } from '../helpers/sinks.ts'
import type { Trace } from './trace.ts'

interface ReceiverError extends Error {
  code: string
}

interface WsReceiver extends EventEmitter {
  _write (chunk: Buffer, encoding: string, done: (error?: ReceiverError) => void): void
}

/** `ws` exports its receiver, and its types leave it out. */
const { Receiver }: { Receiver: new (options: object) => WsReceiver } = createRequire(import.meta.url)('ws')

/** The close codes that `ws` answers its own errors with. */
function closeCodeOf (code: string): number {
  if (code === 'WS_ERR_INVALID_UTF8') return 1007
  return code.startsWith('WS_ERR_UNSUPPORTED_') ? 1009 : 1002
}

/** What the receiver of `ws` makes of the same bytes, in the same words as ours. */
export function wsTraceOf (chunks: readonly Buffer[], maxPayload: number): Trace {
  const events: SeenEvent[] = []
  const receiver = new Receiver({ isServer: true, maxPayload })
  let error: ReceiverError | null = null
  let isClosed = false
  receiver.on('message', (data: Buffer, isBinary: boolean) => {
    events.push(isBinary ? { binary: data.toString('hex') } : { text: data.toString() })
  })
  receiver.on('ping', (data: Buffer) => events.push({ ping: data.toString('hex') }))
  receiver.on('pong', (data: Buffer) => events.push({ pong: data.toString('hex') }))
  receiver.on('conclude', (close: number, reason: Buffer) => {
    isClosed = true
    events.push({ close, reason: reason.toString() })
  })
  for (const chunk of chunks) {
    // The method itself, since a stream would tell of errors later.
    receiver._write(Buffer.from(chunk), 'buffer', failure => { error ??= failure ?? null })
    if (error !== null || isClosed) break
  }
  return error === null
    ? { events, end: isClosed ? 'closed' : 'open', closeCode: 0 }
    : { events, end: (error as ReceiverError).code, closeCode: closeCodeOf((error as ReceiverError).code) }
}
