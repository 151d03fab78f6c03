// One server of a cluster as a process of its own. Over IPC it says its port, which is its own among workers, too; SIGTERM closes it as it should be closed.
import type { AddressInfo } from 'node:net'
import type { Listening } from '../../rooms/node-cluster/worker.ts'
import { clusterApp } from './app.ts'
import { openAdapter } from './carriers.ts'
import type { ServerSettings } from './carriers.ts'

const { carrier, history, adapterTimeout, host = '127.0.0.1' } = JSON.parse(process.argv[2]) as ServerSettings
const { adapter } = await openAdapter(carrier)
const app = await clusterApp({ adapter, adapterTimeout }, { history })

process.on('disconnect', () => process.exit())
process.once('SIGTERM', () => {
  void app.close().then(() => process.exit(0))
})

await app.listen({ port: 0, host, exclusive: true })
const listening: Listening = { listening: (app.server.address() as AddressInfo).port, pid: process.pid }
process.send?.(listening)
