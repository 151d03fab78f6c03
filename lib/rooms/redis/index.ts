export { redisAdapter } from './redis-adapter.ts'
export type { BrokerAdapterOptions } from '../../../types/broker.ts'
export type { IoredisClient, NodeRedisClient, RedisAdapterOptions } from '../../../types/redis.ts'
