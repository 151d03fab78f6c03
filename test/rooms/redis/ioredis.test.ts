import { Redis } from 'ioredis'
import { redisAdapter } from '../../../lib/rooms/redis/index.ts'
import { adapterContract } from '../adapter-contract.ts'
import { newNamespace, withRedis } from './with-redis.ts'

await withRedis('ioredis', server => {
  adapterContract('ioredis 6', t => {
    const namespace = newNamespace()
    return () => {
      const client = new Redis(server.port, { lazyConnect: true })
      t.after(() => client.disconnect())
      return redisAdapter({ client, namespace })
    }
  })
})
