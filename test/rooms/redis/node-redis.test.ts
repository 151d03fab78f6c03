import { createClient } from 'redis'
import { redisAdapter } from '../../../lib/rooms/redis/index.ts'
import { adapterContract } from '../adapter-contract.ts'
import { newNamespace, withRedis } from './with-redis.ts'

await withRedis('redis 6', server => {
  adapterContract('redis 6', () => {
    const namespace = newNamespace()
    return () => redisAdapter({ client: createClient({ url: server.url }), namespace })
  })
})
