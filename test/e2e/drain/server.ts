// A server as it runs in production: it ends on SIGTERM, with close-with-grace. Over IPC it says its port, and in the end how it went.
import { readdirSync, readlinkSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import closeWithGrace from 'close-with-grace'
import Fastify from 'fastify'
import typedWs from '../../../lib/index.ts'
import type { Connection, DrainOption } from '../../../types/index.ts'

/** A message: how long its handler takes, in milliseconds; null for ever. */
export interface Task {
  readonly takes: number | null
}

export interface DrainReport {
  /** How long `app.close()` took, in milliseconds. */
  readonly took: number
  readonly opened: number
  /** How often `onClose` has run, and for how many. */
  readonly closes: number
  readonly closed: number
  /** When the first connection ended while its handler ran, in milliseconds since `app.close()`; null where none did. */
  readonly firstCut: number | null
  /** Connections that the server holds, and those of its sockets that the operating system still knows. */
  readonly connections: number
  readonly sockets: number
}

export type DrainCommand = 'let the hooks go on'

const app = Fastify()
await app.register(typedWs, { drain: JSON.parse(process.argv[2]) as DrainOption })

let opened = 0
let closes = 0
let startedAt = 0
let firstCut: number | null = null
const closed = new Set<string>()
const working = new Set<string>()
const onOpen = (): void => { opened++ }
const onClose = ({ id }: Connection): void => {
  closes++
  closed.add(id)
  if (working.has(id)) firstCut ??= performance.now() - startedAt
}

app.ws('/', { onOpen, onClose }, async (message, { id }) => {
  const { takes } = message as Task
  working.add(id)
  await (takes === null ? new Promise(() => {}) : delay(takes))
  working.delete(id)
  return { took: takes }
})

let goOn = (): void => {}
const hooks = new Promise<void>(resolve => { goOn = resolve })
app.ws('/hook', {
  preHandler: async () => {
    process.send?.('in a hook')
    await hooks
  },
  onOpen,
  onClose
}, message => message)

process.on('message', (_command: DrainCommand) => goOn())
process.on('disconnect', () => process.exit(3))

closeWithGrace({ delay: 20_000, logger: false }, async ({ err }) => {
  if (err !== undefined) throw err
  startedAt = performance.now()
  await app.close()
  const report: DrainReport = {
    took: performance.now() - startedAt,
    opened,
    closes,
    closed: closed.size,
    firstCut,
    connections: app.wsConnections.size,
    sockets: sockets() - socketsBefore
  }
  await new Promise(resolve => process.send?.(report, resolve))
})

const socketsBefore = sockets()
await app.listen({ port: 0, host: '127.0.0.1' })
process.send?.((app.server.address() as AddressInfo).port)

/** File descriptors of this process, as Linux tells them. */
function sockets (): number {
  return readdirSync('/proc/self/fd').filter(descriptor => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`).startsWith('socket:')
    } catch {
      return false
    }
  }).length
}
