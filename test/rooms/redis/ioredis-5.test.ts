import { Redis } from 'ioredis-5'
import { redisAdapter } from '../../../lib/rooms/redis/index.ts'
import { adapterContract } from '../adapter-contract.ts'
import { newNamespace, withRedis } from './with-redis.ts'

await withRedis('ioredis 5', server => {
  adapterContract('ioredis 5', t => {
    const namespace = newNamespace()
    return () => {
      const client = new Redis(server.port, { lazyConnect: true })
      t.after(() => client.disconnect())
      return redisAdapter({ client, namespace })
    }
  })
})
