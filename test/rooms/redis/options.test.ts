import { Redis } from 'ioredis'
import { createClient, createClientPool, createSentinel } from 'redis'
import t from 'tap'
import { resolveOptions } from '../../../lib/rooms/redis/options.ts'
import { redisAdapter } from '../../../lib/rooms/redis/index.ts'
import type { RedisAdapterOptions } from '../../../lib/rooms/redis/index.ts'

const client = createClient()
const refused = { code: 'FST_ERR_WS_OPTION' }

t.test('what is no client is refused', async t => {
  const redis = new Redis({ lazyConnect: true })
  const noClients = [
    undefined, null, 'redis://127.0.0.1', {}, new Map(), { isOpen: true }, { isCluster: true }, { duplicate () {}, isOpen: true }, redis.pipeline(),
    createClientPool(), createSentinel({ name: 'main', sentinelRootNodes: [{ host: '127.0.0.1', port: 1 }] })
  ]
  for (const client of noClients) t.throws(() => redisAdapter({ client } as RedisAdapterOptions), { ...refused, message: /redisAdapter\.client/ })
})

t.test('other options that are none are refused', async t => {
  const wrong = [
    { namespace: '' }, { namespace: 'a:b' }, { namespace: 'a'.repeat(65) }, { namespace: 1 }, { durable: 'yes' }, { commandTimeout: 99 }, { commandTimeout: '1' },
    { secret: '' }, { secret: 'short' }, { secret: [] }, { secret: ['a long enough secret', 'short'] }, { secret: 5 }, { unknown: true }
  ]
  for (const options of wrong) t.throws(() => redisAdapter({ client, ...options } as RedisAdapterOptions), refused, JSON.stringify(options))
})

t.test('the defaults are those that are documented', async t => {
  t.match(resolveOptions({ client }), { namespace: 'typed-ws', secrets: [], durable: false, commandTimeout: 2_000, port: { isCluster: false } })
  t.same(resolveOptions({ client, secret: 'a long enough secret' }).secrets, ['a long enough secret'])
})
