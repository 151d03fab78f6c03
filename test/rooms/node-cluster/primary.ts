// The primary of a cluster as a process of its own, which a test can stop.
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import cluster from 'node:cluster'
import { fileURLToPath } from 'node:url'
import { carryRooms } from '../../../lib/rooms/node-cluster/index.ts'
import type { IpcProcess, RoomCarrier } from '../../../lib/rooms/node-cluster/index.ts'
import type { Listening } from './worker.ts'

/** How it starts workers, and what it does with their rooms. */
export type Mode = 'cluster' | 'fork' | 'not carried'
export type Command = { readonly start: readonly string[] } | 'report' | 'carry' | 'stop carrying' | 'close'
/** A worker is there, and will say where it listens. */
export interface Started {
  readonly started: number
}
/** Besides what the workers say. */
export interface Report {
  readonly nodes: number
  readonly refused: number
}
export interface Ended {
  readonly ended: number
  readonly code: number | null
}

const [, , mode, serialization, script] = process.argv
const exec = fileURLToPath(new URL(script, import.meta.url))
const options = { serialization: serialization === 'advanced' ? 'advanced' : 'json' } as const
cluster.setupPrimary({ exec, ...options })

const children = new Set<{ send (message: string): boolean }>()
let rooms: RoomCarrier | null = null
if (mode !== 'not carried') carry()

function carry (): void {
  rooms = carryRooms()
  // Nodes in the process that has started this one are of the cluster, too.
  const parent: IpcProcess = {
    send: (message, callback) => process.send?.(message, undefined, undefined, callback) ?? false,
    on: (event, listener) => process.on(event, listener),
    off: (event, listener) => process.off(event, listener)
  }
  rooms.add(parent)
}

function tell (message: Started | Ended | Report | Listening): void {
  process.send?.(message)
}

/** What else workers say is not for the test. */
function relay (message: Listening): void {
  if (typeof message.listening === 'number') tell(message)
}

function start (args: readonly string[]): void {
  if (mode === 'fork') {
    const child = fork(exec, args, options)
    rooms?.add(child)
    children.add(child)
    child.on('message', relay)
    watch(child)
  } else {
    cluster.setupPrimary({ args: [...args] })
    const worker = cluster.fork()
    children.add(worker)
    worker.on('message', relay)
    watch(worker.process)
  }
}

function watch (child: ChildProcess): void {
  const { pid } = child
  if (pid === undefined) throw new Error('a worker was not started')
  tell({ started: pid })
  child.on('exit', code => tell({ ended: pid, code }))
}

process.on('message', (command: Command) => {
  switch (command) {
    case 'report':
      return tell({ nodes: rooms?.nodes.length ?? 0, refused: rooms?.refused ?? 0 })
    case 'carry':
      return carry()
    case 'stop carrying':
      return rooms?.stop()
    case 'close':
      for (const child of children) child.send('close')
      return
    default:
      // The others are of nodes in the process that has started this one.
      if (Array.isArray(command.start)) start(command.start)
  }
})
process.on('disconnect', () => process.exit())
