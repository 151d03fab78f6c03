// The primary of a cluster as a process of its own, which a test can stop.
import { fork } from 'node:child_process'
import cluster from 'node:cluster'
import { fileURLToPath } from 'node:url'
import { carryRooms } from '../../../lib/rooms/node-cluster/index.ts'
import type { RoomCarrier } from '../../../lib/rooms/node-cluster/index.ts'

/** How it starts workers, and what it does with their rooms. */
export type Mode = 'cluster' | 'fork' | 'not carried'
export type Command = 'start' | 'report' | 'carry' | 'stop carrying' | 'close'
/** Besides what the workers say. */
export interface Report {
  readonly nodes: number
  readonly refused: number
}
export interface Ended {
  readonly ended: number
  readonly code: number | null
}

const [, , mode, serialization] = process.argv
const exec = fileURLToPath(new URL('worker.js', import.meta.url))
const options = { serialization: serialization === 'advanced' ? 'advanced' : 'json' } as const
cluster.setupPrimary({ exec, ...options })

const children = new Set<{ send (message: string): boolean }>()
let rooms: RoomCarrier | null = mode === 'not carried' ? null : carryRooms()

function tell (message: object): void {
  process.send?.(message)
}

function start (): void {
  if (mode === 'fork') {
    const child = fork(exec, options)
    rooms?.add(child)
    children.add(child)
    child.on('message', tell)
    child.on('exit', code => tell({ ended: child.pid, code } as Ended))
  } else {
    const worker = cluster.fork()
    children.add(worker)
    worker.on('message', tell)
    worker.process.on('exit', code => tell({ ended: worker.process.pid, code } as Ended))
  }
}

process.on('message', (command: Command) => {
  if (command === 'start') start()
  else if (command === 'stop carrying') rooms?.stop()
  else if (command === 'carry') rooms = carryRooms()
  else if (command === 'close') for (const child of children) child.send('close')
  else tell({ nodes: rooms?.nodes.length ?? 0, refused: rooms?.refused ?? 0 } satisfies Report)
})
process.on('disconnect', () => process.exit())
