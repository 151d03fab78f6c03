import { createClient } from 'redis-5'
import { redisAdapter } from '../../../lib/rooms/redis/index.ts'
import { adapterContract } from '../adapter-contract.ts'
import { newNamespace, withRedis } from './with-redis.ts'

await withRedis('redis 5', server => {
  adapterContract('redis 5', () => {
    const namespace = newNamespace()
    return () => redisAdapter({ client: createClient({ url: server.url }), namespace })
  })
})
