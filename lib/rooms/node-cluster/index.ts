import cluster from 'node:cluster'
import type { Worker } from 'node:cluster'
import type { Adapter } from '../../../types/adapter.ts'
import type { ClusterAdapterOptions, RoomCarrier } from '../../../types/cluster.ts'
import { checkFields } from '../../check-option.ts'
import { FST_ERR_WS_ADAPTER, FST_ERR_WS_OPTION } from '../../errors.ts'
import { ClusterAdapter } from './adapter.ts'
import { Carrier } from './carrier.ts'
import { portToParent } from './port.ts'

const namespacePattern = /^[\w-]{1,64}$/

/**
 * Joins the workers of `node:cluster` on one machine, without a broker: in each worker, `adapter: clusterAdapter()`. The primary carries the rooms, see `carryRooms`.
 *
 * @throws FST_ERR_WS_OPTION
 */
export function clusterAdapter (options: ClusterAdapterOptions = {}): Adapter {
  checkFields('clusterAdapter', options, ['namespace'])
  const { namespace = 'typed-ws' } = options
  if (typeof namespace !== 'string' || !namespacePattern.test(namespace)) throw new FST_ERR_WS_OPTION('namespace', 'must be 1 to 64 of A–Z, a–z, 0–9, - and _')
  return new ClusterAdapter(portToParent(), namespace)
}

let carrier: RoomCarrier | null = null

/**
 * Called once in the primary: carries the rooms of all workers of `node:cluster`, those that are started later too, and keeps their histories in its memory.
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
