import type { AddressInfo } from 'node:net'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import type { HistoryOption, WsAdapterEvent } from '../../../types/index.ts'
import { until } from '../faults/watched-server.ts'
import { clusterApp } from './app.ts'
import type { OpenAdapter } from './carriers.ts'
import { Speaker } from './speaker.ts'

export interface ClusterNodeOptions {
  readonly history?: HistoryOption
  readonly adapterTimeout?: number
}

/** One server of a cluster within the test's process, which tells what it notices of its adapter. */
export class ClusterNode {
  readonly app: FastifyInstance
  /** What the channel told. */
  readonly events: WsAdapterEvent[] = []
  /** What the log says of the adapter. */
  readonly lines: string[]

  private constructor (app: FastifyInstance, lines: string[]) {
    this.app = app
    this.lines = lines
  }

  static async start (t: Test, open: () => Promise<OpenAdapter>, { history, adapterTimeout }: ClusterNodeOptions = {}): Promise<ClusterNode> {
    const lines: string[] = []
    const stream = {
      write (line: string): void {
        const { msg } = JSON.parse(line) as { msg: string }
        if (msg.startsWith('adapter ')) lines.push(msg)
      }
    }
    const { adapter, end } = await open()
    const app = await clusterApp({ adapter, ...adapterTimeout === undefined ? {} : { adapterTimeout } }, {
      ...history === undefined ? {} : { history },
      fastify: { logger: { level: 'info', stream } }
    })
    t.after(async () => {
      await app.close()
      await end()
    })
    const node = new ClusterNode(app, lines)
    const onEvent = (event: unknown): void => {
      const change = event as WsAdapterEvent
      if (change.instance === app) node.events.push(change)
    }
    subscribe('fastify-typed-ws:adapter', onEvent)
    t.after(() => { unsubscribe('fastify-typed-ws:adapter', onEvent) })
    await app.listen({ port: 0, host: '127.0.0.1' })
    return node
  }

  get port (): number {
    return (this.app.server.address() as AddressInfo).port
  }

  client (t: Test, name: string): Promise<Speaker> {
    return Speaker.connect(t, this.port, name)
  }

  /** Settles when the adapter has been lost so many times, and is not back. */
  async lost (times = 1): Promise<void> {
    await until(() => this.app.wsStats().adapter.lost >= times && this.app.rooms.status.state === 'unavailable')
  }

  /** Settles when the adapter has been lost so many times, and is back. */
  async healed (times = 1): Promise<void> {
    await until(() => this.app.wsStats().adapter.lost >= times && this.app.rooms.status.state === 'ready')
  }
}
