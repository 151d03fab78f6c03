import { setTimeout } from 'node:timers/promises'
import type { Test } from 'tap'
import { RedisServer } from './redis-server.ts'

const slots = 16_384

/** A cluster of three masters, ended with the test. */
export class RedisCluster {
  readonly servers: readonly RedisServer[]

  private constructor (servers: readonly RedisServer[]) {
    this.servers = servers
  }

  static async start (t: Test): Promise<RedisCluster> {
    const args = ['--cluster-enabled', 'yes', '--cluster-config-file', 'nodes.conf', '--cluster-node-timeout', '2000']
    const servers: RedisServer[] = []
    for (let index = 0; index < 3; index++) servers.push(await RedisServer.start(t, args))
    for (const [index, server] of servers.entries()) {
      await server.command('CLUSTER', 'ADDSLOTSRANGE', firstOf(index), firstOf(index + 1) - 1)
      await server.command('CLUSTER', 'SET-CONFIG-EPOCH', index + 1)
      if (index > 0) await server.command('CLUSTER', 'MEET', '127.0.0.1', servers[0].port)
    }
    const cluster = new RedisCluster(servers)
    await cluster.agrees()
    return cluster
  }

  /** Settles when all of them know all of them. */
  async agrees (): Promise<void> {
    for (const server of this.servers) {
      for (;;) {
        const info = await server.command('CLUSTER', 'INFO')
        if (info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:3') && info.includes(`cluster_slots_ok:${slots}`)) break
        await setTimeout(50)
      }
    }
  }

  /** Gives the slot of the first server that stands at this number to the next one. */
  async moveSlot (slot: number): Promise<void> {
    const from = this.servers.findIndex((_, index) => slot >= firstOf(index) && slot < firstOf(index + 1))
    const to = (from + 1) % this.servers.length
    const id = (await this.servers[to].command('CLUSTER', 'MYID')).split('\r\n')[1]
    // The new one first, so that the old one can point to it.
    for (const index of [to, from, ...this.servers.keys()]) await this.servers[index].command('CLUSTER', 'SETSLOT', slot, 'NODE', id)
  }
}

function firstOf (index: number): number {
  return Math.ceil(slots * index / 3)
}
