import { NatsServer } from '../../helpers/nats-server.ts'
import { RedisServer } from '../../helpers/redis-server.ts'
import type { StartBroker } from './outages.ts'
import { Primary } from './primary.ts'

export const startRedis: StartBroker = async (t, { isDurable }) => {
  const broker = await RedisServer.start(t, isDurable ? ['--appendonly', 'yes', '--appendfsync', 'always'] : [])
  return { broker, carrier: { client: 'ioredis', port: broker.port, isDurable } }
}

export const startNats: StartBroker = async (t, { isDurable }) => {
  const broker = await NatsServer.start(t, { jetstream: true })
  return { broker, carrier: { client: 'nats', port: broker.port, isDurable } }
}

/** A primary keeps what it has for as long as it lives: a durable one is not killed. */
export const startPrimary: StartBroker = async (t, { isDurable }) => {
  const primary = await Primary.start(t)
  return {
    carrier: { client: 'node:cluster', port: 0, isDurable },
    broker: primary,
    faults: ['SIGSTOP'],
    open: () => primary.open(),
    launch: (_t, settings) => primary.launch(settings)
  }
}

/** A primary that stops to carry rooms, and begins again, where a broker would be killed: with its process the servers end. */
export const startCarrier: StartBroker = async t => {
  const primary = await Primary.start(t)
  return {
    carrier: { client: 'node:cluster', port: 0, isDurable: false },
    broker: {
      kill: async () => primary.stopCarrying(),
      restart: async () => primary.carry(),
      freeze: () => primary.freeze(),
      thaw: () => primary.thaw()
    },
    open: () => primary.open(),
    launch: (_t, settings) => primary.launch(settings)
  }
}
