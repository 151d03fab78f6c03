// One server of a cluster as a process of its own. Over IPC it says its port; SIGTERM closes it as it should be closed.
import type { AddressInfo } from 'node:net'
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

await app.listen({ port: 0, host })
process.send?.((app.server.address() as AddressInfo).port)
