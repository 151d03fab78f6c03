// A server as a process of its own. Over IPC it says its port, and answers whoever asks how it is.
import type { AddressInfo } from 'node:net'
import { setImmediate as immediate, setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { getHeapStatistics } from 'node:v8'
import Fastify from 'fastify'
import typedWs from '../../../lib/index.ts'
import type { CloseInfo, Connection } from '../../../types/index.ts'

/** What the server holds, and what it cost. */
export interface ServerReport {
  readonly connections: number
  readonly rooms: number
  /** Bytes that the memory budget counts. */
  readonly held: number
  readonly sockets: number
  /** How many of each kind of resource keep the event loop alive. */
  readonly resources: Readonly<Record<string, number>>
  /** On the process and on the HTTP server. */
  readonly listeners: number
  /** Bytes, after a collection where the process was given `--expose-gc`. */
  readonly heap: number
  /** How often `onOpen` and `onClose` have run. */
  readonly opened: number
  readonly closed: number
  /** How many of these ended with the closing handshake. */
  readonly clean: number
  /** How many were dropped by the heartbeat. */
  readonly silent: number
  /** Milliseconds of processor time. */
  readonly cpu: number
}

export type ServerCommand =
  | { readonly ask: 'report' }
  /** As `report`, once no client is left. */
  | { readonly ask: 'report when empty' }

/** A message on `/stall`. */
interface Stall {
  /** How long to block the event loop, in milliseconds. */
  readonly stall: number
  /** Whether to close the other connections before. */
  readonly closeOthers?: boolean
}

const app = Fastify()
await app.register(typedWs, { perMessageDeflate: true })
let opened = 0
let closed = 0
let clean = 0
const onOpen = (connection: Connection): void => {
  opened++
  void connection.join('all')
  void connection.join(connection.id)
}
const onClose = (_connection: Connection, { wasClean }: CloseInfo): void => {
  closed++
  if (wasClean) clean++
}

app.ws('/', { codec: 'raw', closeTimeout: 500, onOpen, onClose }, message => message)
app.ws('/beating', { codec: 'raw', heartbeat: { interval: 1_500, timeout: 1_400 }, onOpen, onClose }, message => message)
app.ws('/hook', { onRequest: () => immediate(), onOpen, onClose }, message => message)
app.ws('/stall', async (message, connection) => {
  const { stall, closeOthers = false } = message as Stall
  const answered = connection.ping()
  connection.send('stalling')
  if (closeOthers) for (const other of app.wsConnections) if (other !== connection) other.close(4000)
  // All that has left.
  await immediate()
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, stall)
  await answered
  return 'awake'
})

const countConnections = promisify(app.server.getConnections.bind(app.server))

async function report (): Promise<ServerReport> {
  const resources: Record<string, number> = {}
  for (const name of process.getActiveResourcesInfo()) resources[name] = (resources[name] ?? 0) + 1
  // What the first collection finds to be finished goes with the second.
  globalThis.gc?.()
  await immediate()
  globalThis.gc?.()
  const { user, system } = process.cpuUsage()
  return {
    connections: app.wsConnections.size,
    rooms: app.rooms.size,
    held: app.wsStats().memory.held,
    sockets: await countConnections(),
    resources,
    listeners: [process, app.server].reduce((sum, emitter) => emitter.eventNames().reduce((count, name) => count + emitter.listenerCount(name), sum), 0),
    // process.memoryUsage() needs a file descriptor.
    heap: getHeapStatistics().used_heap_size,
    opened,
    closed,
    clean,
    silent: app.wsStats().connections.silent,
    cpu: (user + system) / 1_000
  }
}

async function whenEmpty (): Promise<void> {
  while (app.wsConnections.size > 0 || await countConnections() > 0) await delay(5)
}

process.on('message', async ({ ask }: ServerCommand) => {
  if (ask === 'report when empty') await whenEmpty()
  process.send?.(await report())
})
process.on('disconnect', () => process.exit())

const port = Number(process.argv[2])
await app.listen({ port, host: '127.0.0.1' })
process.send?.((app.server.address() as AddressInfo).port)
