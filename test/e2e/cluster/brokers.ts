import { NatsServer } from '../../helpers/nats-server.ts'
import { RedisServer } from '../../helpers/redis-server.ts'
import type { StartBroker } from './outages.ts'

export const startRedis: StartBroker = async (t, { isDurable }) => {
  const broker = await RedisServer.start(t, isDurable ? ['--appendonly', 'yes', '--appendfsync', 'always'] : [])
  return { broker, carrier: { client: 'ioredis', port: broker.port, isDurable } }
}

export const startNats: StartBroker = async (t, { isDurable }) => {
  const broker = await NatsServer.start(t, { jetstream: true })
  return { broker, carrier: { client: 'nats', port: broker.port, isDurable } }
}
