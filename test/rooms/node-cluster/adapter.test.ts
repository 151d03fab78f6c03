import { adapterContract } from '../adapter-contract.ts'
import { Primary } from './ports.ts'

for (const serialization of ['json', 'advanced'] as const) {
  adapterContract(`node:cluster, ${serialization}`, () => {
    const primary = new Primary({ serialization })
    return () => primary.worker().adapter
  })
}
