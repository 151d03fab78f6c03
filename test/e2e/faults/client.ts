// A client as a process of its own: it connects, writes the bytes it is told to, and hands on those it receives.
import { connect } from 'node:net'

export type ClientCommand = { readonly write: Buffer } | 'stop reading'

const socket = connect({ port: Number(process.argv[2]), host: '127.0.0.1', allowHalfOpen: true }, () => process.send?.('connected'))
socket.on('data', chunk => process.send?.(chunk))
socket.on('error', () => {})
socket.on('close', () => process.exit())

process.on('message', (command: ClientCommand) => {
  if (command === 'stop reading') socket.pause()
  else socket.write(Buffer.from(command.write))
})
process.on('disconnect', () => process.exit())
