import { ESLint } from 'eslint'
import t from 'tap'
import { packageRoot } from './helpers/paths.ts'

const eslint = new ESLint({ cwd: packageRoot })

/** What the linter says of a file that would import `specifier`. */
async function layerErrors (filePath: string, specifier: string): Promise<string[]> {
  const [result] = await eslint.lintText(`import { a } from '${specifier}'\n\na()\n`, { filePath })
  return result?.messages.map(message => message.ruleId ?? message.message) ?? []
}

t.test('an import against the arrows is a lint error', async t => {
  const refused = [
    ['lib/protocol/x.ts', '../connection/connection.ts'],
    ['lib/protocol/x.ts', 'node:net'],
    ['lib/protocol/x.ts', 'fastify'],
    ['lib/messages/x.ts', '../connection/connection.ts'],
    ['lib/connection/x.ts', '../rooms/room.ts'],
    ['lib/connection/x.ts', '../route/route.ts'],
    ['lib/rooms/x.ts', '../route/route.ts'],
    ['lib/rooms/adapters/x.ts', '../../route/route.ts'],
    ['lib/rooms/redis/x.ts', 'ioredis'],
    ['lib/rooms/redis/x.ts', 'redis'],
    ['lib/rooms/redis/x.ts', '../registry.ts'],
    ['lib/rooms/redis/x.ts', '../../connection/connection.ts'],
    ['lib/rooms/redis/x.ts', '../../options.ts'],
    ['lib/route/x.ts', '../plugin.ts'],
    ['lib/errors.ts', './connection/connection.ts'],
    ['lib/client/x.ts', '../protocol/frame.ts'],
    ['lib/metrics/x.ts', '../route/stats.ts'],
    ['lib/metrics/x.ts', '../plugin.ts'],
    ['lib/asyncapi/x.ts', '../plugin.ts'],
    ['lib/asyncapi/x.ts', '../messages/codec.ts'],
    ['lib/asyncapi/x.ts', '../route/describe-route.ts'],
    ['lib/messages/x.ts', '../asyncapi/schemas.ts'],
    ['lib/rooms/nats/x.ts', '../registry.ts'],
    ['lib/rooms/nats/x.ts', '../../connection/connection.ts'],
    ['lib/rooms/nats/x.ts', '../../plugin.ts'],
    ['lib/rooms/nats/x.ts', '@nats-io/transport-node'],
    ['lib/rooms/x.ts', './nats/index.ts'],
    ['lib/route/x.ts', '../rooms/nats/index.ts'],
    ['lib/rooms/node-cluster/x.ts', '../registry.ts'],
    ['lib/rooms/node-cluster/x.ts', '../../options.ts'],
    ['lib/rooms/node-cluster/x.ts', '../../connection/connection.ts'],
    ['lib/rooms/node-cluster/x.ts', '../redis/index.ts'],
    ['lib/rooms/node-cluster/x.ts', 'fastify'],
    ['lib/asyncapi/page/x.ts', '../pages.ts'],
    ['lib/asyncapi/page/x.ts', '../../errors.ts'],
    ['lib/asyncapi/page/x.ts', 'node:crypto'],
    ['lib/asyncapi/page/model/x.ts', '../../styles.ts'],
    ['types/x.ts', '../lib/index.ts']
  ] as const
  for (const [file, specifier] of refused) {
    t.same(await layerErrors(file, specifier), ['no-restricted-imports'], `${file} must not import ${specifier}`)
  }
})

t.test('an import along the arrows is not', async t => {
  const allowed = [
    ['lib/protocol/x.ts', './frame.ts'],
    ['lib/protocol/x.ts', 'node:crypto'],
    ['lib/connection/x.ts', '../protocol/frame.ts'],
    ['lib/connection/x.ts', '../errors.ts'],
    ['lib/rooms/x.ts', '../connection/connection.ts'],
    ['lib/rooms/redis/x.ts', './session.ts'],
    ['lib/rooms/redis/x.ts', '../envelope.ts'],
    ['lib/rooms/redis/x.ts', '../../errors.ts'],
    ['lib/rooms/redis/x.ts', '../../outside.ts'],
    ['lib/rooms/redis/x.ts', '../../check-option.ts'],
    ['lib/rooms/redis/x.ts', '../../../types/adapter.ts'],
    ['lib/rooms/redis/x.ts', 'node:crypto'],
    ['lib/route/x.ts', '../rooms/registry.ts'],
    ['lib/plugin.ts', './route/route.ts'],
    ['lib/client/x.ts', '../../types/index.ts'],
    ['lib/rooms/nats/x.ts', './carrier.ts'],
    ['lib/rooms/nats/x.ts', '../envelope.ts'],
    ['lib/rooms/nats/x.ts', '../../errors.ts'],
    ['lib/rooms/nats/x.ts', '../../outside.ts'],
    ['lib/rooms/nats/x.ts', '../../check-option.ts'],
    ['lib/rooms/nats/x.ts', '../../../types/nats.ts'],
    ['lib/metrics/x.ts', '../../types/index.ts'],
    ['lib/metrics/x.ts', '../errors.ts'],
    ['lib/metrics/x.ts', 'prom-client'],
    ['lib/asyncapi/x.ts', '../../types/asyncapi.ts'],
    ['lib/asyncapi/x.ts', '../check-option.ts'],
    ['lib/asyncapi/x.ts', '../messages/union.ts'],
    ['lib/asyncapi/x.ts', '../messages/references.ts'],
    ['lib/rooms/node-cluster/x.ts', './wire.ts'],
    ['lib/rooms/node-cluster/x.ts', '../envelope.ts'],
    ['lib/rooms/node-cluster/x.ts', '../memory-history.ts'],
    ['lib/rooms/node-cluster/x.ts', '../../errors.ts'],
    ['lib/rooms/node-cluster/x.ts', '../../outside.ts'],
    ['lib/rooms/node-cluster/x.ts', '../../check-option.ts'],
    ['lib/rooms/node-cluster/x.ts', '../../../types/cluster.ts'],
    ['lib/rooms/node-cluster/x.ts', 'node:cluster'],
    ['lib/asyncapi/page/x.ts', './model/schema.ts'],
    ['lib/asyncapi/page/x.ts', '../../client/index.ts'],
    ['lib/asyncapi/page/x.ts', '../../../types/client.ts']
  ] as const
  for (const [file, specifier] of allowed) {
    t.same(await layerErrors(file, specifier), [], `${file} may import ${specifier}`)
  }
})
