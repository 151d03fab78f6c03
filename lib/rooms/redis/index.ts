/**
 * Rooms over several processes, carried by Redis; their histories in its streams.
 *
 * @module fastify-typed-ws/redis
 */
export { redisAdapter } from './redis-adapter.ts'
export type { BrokerAdapterOptions } from '../../../types/broker.ts'
export type { IoredisClient, NodeRedisClient, RedisAdapterOptions } from '../../../types/redis.ts'
