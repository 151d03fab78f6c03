import { setTimeout } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import { memoryAdapter, MemoryHub } from '../../lib/index.ts'
import type { Member, RoomDeclaration, WsPluginOptions } from '../../types/index.ts'
import { buildApp, logLines } from './app.ts'
import { FaultyAdapter } from './faulty-adapter.ts'
import { keepAlive } from './keep-alive.ts'
import { pairedRoute } from './pairs.ts'
import type { Pair } from './pairs.ts'

/** How often nodes of tests say that they are alive: short, for tests wait for their silence. */
export const shortNodes = { interval: 100, timeout: 400 }

/** One server of a cluster within this process. */
export interface TestNode {
  readonly app: FastifyInstance
  readonly adapter: FaultyAdapter
  readonly id: string
  readonly lines: Array<Record<string, unknown>>
  /** Opens a connection; its key is given. */
  readonly open: (key?: string) => Promise<Pair>
}

export interface ClusterOptions extends Pick<WsPluginOptions, 'nodes' | 'adapterTimeout'> {
  readonly hub?: MemoryHub
  /** What `room:*` is declared with. */
  readonly presence?: RoomDeclaration['presence']
  /** The most rooms of a connection. */
  readonly rooms?: number
}

/** Starts one more server on the hub. */
export async function startNode (t: Test, { hub = new MemoryHub(), presence, rooms, ...options }: ClusterOptions = {}): Promise<TestNode> {
  const adapter = new FaultyAdapter(memoryAdapter(hub))
  const { lines, stream } = logLines()
  const app = await buildApp(t, {
    nodes: shortNodes, ...options, adapter, limitKey: request => String(request.headers.key ?? ''), ...(rooms === undefined ? {} : { limits: { rooms } })
  }, { logger: { stream, level: 'info' } })
  if (presence !== undefined) app.rooms.declare('room:*', { presence })
  const open = pairedRoute(app)
  await app.ready()
  return { app, adapter, id: adapter.node, lines, open: key => open(key === undefined ? {} : { headers: { key } }) }
}

/** Starts so many servers on one hub. */
export async function startNodes (t: Test, count: number, options: ClusterOptions = {}): Promise<TestNode[]> {
  keepAlive(t)
  const hub = options.hub ?? new MemoryHub()
  const nodes: TestNode[] = []
  while (nodes.length < count) nodes.push(await startNode(t, { ...options, hub }))
  return nodes
}

/** A member on each server. */
export async function memberOfEach (nodes: readonly TestNode[], room: string): Promise<Pair[]> {
  const pairs = await Promise.all(nodes.map(node => node.open()))
  await Promise.all(pairs.map(({ connection }) => connection.join(room)))
  return pairs
}

/** Waits until it holds; a test that waits forever runs into its timeout. */
export async function until (holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!await holds()) await setTimeout(5)
}

export function idsOf (list: ReadonlyArray<Pick<Member, 'id'>>): string[] {
  return list.map(({ id }) => id)
}

export function sortedIds (pairs: readonly Pair[]): string[] {
  return pairs.map(({ connection }) => connection.id).sort()
}

/** What members are told of presence. */
export interface Notice {
  readonly type: 'presence'
  readonly room: string
  readonly count: number
  readonly joined: Array<{ id: string, data?: unknown }>
  readonly left: Array<{ id: string, data?: unknown }>
  readonly more?: number
}

export async function nextNotice ({ client }: Pair): Promise<Notice> {
  return await client.receive() as Notice
}
