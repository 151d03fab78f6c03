/**
 * Rooms over the workers of `node:cluster`, without a broker.
 *
 * @module fastify-typed-ws/cluster
 */
import cluster from 'node:cluster'
import type { Worker } from 'node:cluster'
import type { Adapter } from '../../../types/adapter.ts'
import type { ClusterAdapterOptions, RoomCarrier } from '../../../types/cluster.ts'
import { checkFields } from '../../check-option.ts'
import { FST_ERR_WS_ADAPTER } from '../../errors.ts'
import { resolveNamespace } from '../broker-options.ts'
import { ClusterAdapter } from './adapter.ts'
import { Carrier } from './carrier.ts'
import { portToParent } from './port.ts'

/**
 * Joins the workers of `node:cluster` on one machine, without a broker: in each worker, `adapter: clusterAdapter()`. The primary carries the rooms, see `carryRooms`.
 *
 * @throws FST_ERR_WS_OPTION
 */
export function clusterAdapter (options: ClusterAdapterOptions = {}): Adapter {
  checkFields('clusterAdapter', options, ['namespace'])
  return new ClusterAdapter(portToParent(), resolveNamespace('clusterAdapter.namespace', options.namespace))
}

let carrier: RoomCarrier | null = null

/**
 * Called once in the primary: carries the rooms of all workers of `node:cluster`, those that are started later too, and keeps their histories in its memory.
 *
 * ```ts
 * if (cluster.isPrimary) {
 *   carryRooms()
 *   for (let worker = 0; worker < 4; worker++) cluster.fork()
 * }
 * ```
 *
 * @throws FST_ERR_WS_ADAPTER where it was called before, and not stopped
 */
export function carryRooms (): RoomCarrier {
  if (carrier !== null) throw new FST_ERR_WS_ADAPTER('this process carries rooms already')
  const add = (worker: Worker): void => { carried.add(worker) }
  const carried = new Carrier(() => {
    cluster.off('fork', add)
    if (carrier === carried) carrier = null
  })
  carrier = carried
  cluster.on('fork', add)
  for (const worker of Object.values(cluster.workers ?? {})) if (worker !== undefined) add(worker)
  return carried
}

export type { ClusterAdapterOptions, IpcProcess, RoomCarrier } from '../../../types/cluster.ts'
