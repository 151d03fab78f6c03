import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { packageRoot } from '../helpers/paths.ts'
import { entries, PublicNames } from './public-names.ts'
import type { Entry } from './public-names.ts'

/* Whoever meets a public name finds it in the book: as code, on a page that somebody wrote. */

/** Types that other types are made of. Nobody writes them; docs/api has them. */
const referenceOnly = [
  'DiscriminatorOf', 'Infer', 'InferSent', 'LiteralOf', 'Received', 'Replies', 'Reply', 'Sent', 'UpgradeGeneric', 'WsHandler', 'WsHandlerFunction', 'WsHandlerMap', 'WsRouteMethod',
  'AsyncApiObject', 'ClientMessage', 'JoinReply', 'MessageOfType', 'ReplyTo', 'Requests', 'ServerMessage', 'TypeOf', 'TypeOfMessage', 'Undeclared', 'WebSocketLike',
  'NatsHeaders', 'NatsMessage', 'NatsStatus', 'NatsSubscription'
]

const names = new PublicNames()
const allPages = readdirSync(join(packageRoot, 'docs')).filter(page => page.endsWith('.md'))

/** What a page shows in code font; '' where there is no such page yet. */
function codeOf (page: string): string {
  const text = allPages.includes(page) ? readFileSync(join(packageRoot, 'docs', page), 'utf8') : ''
  return [...text.matchAll(/^```[^]*?^```|`[^`\n]+`/gm)].map(([code]) => code).join('\n')
}

/** Of names, those that none of these pages shows. */
function missingIn (pages: readonly string[], wanted: readonly string[]): string[] {
  const code = pages.map(codeOf).join('\n')
  return wanted.filter(name => !new RegExp(`(?<![\\w$])${name.replaceAll('.', '\\.')}(?![\\w$])`).test(code))
}

/** Where members have their page. */
const members: Array<[entry: Entry, name: string, pages: string[]]> = [
  ['fastify-typed-ws', 'Connection', ['connection.md']],
  ['fastify-typed-ws', 'CloseInfo', ['connection.md']],
  ['fastify-typed-ws', 'Room', ['rooms.md']],
  ['fastify-typed-ws', 'RoomRegistry', ['rooms.md']],
  ['fastify-typed-ws', 'RoomDeclaration', ['rooms.md']],
  ['fastify-typed-ws', 'JoinResult', ['rooms.md']],
  ['fastify-typed-ws', 'RoomsStatus', ['cluster.md', 'observability.md']],
  ['fastify-typed-ws', 'WsPluginOptions', ['options.md']],
  ['fastify-typed-ws', 'WsRouteOptions', ['options.md', 'routes.md']],
  ['fastify-typed-ws', 'WsRoute', ['routes.md']],
  ['fastify-typed-ws', 'WsSchema', ['messages-and-schemas.md', 'contract.md', 'asyncapi.md']],
  ['fastify-typed-ws', 'WsStats', ['observability.md']],
  ['fastify-typed-ws', 'WsReadiness', ['operations.md', 'observability.md']],
  ['fastify-typed-ws', 'InjectOptions', ['testing.md']],
  ['fastify-typed-ws', 'InjectedConnection', ['testing.md']],
  ['fastify-typed-ws', 'Adapter', ['cluster.md']],
  ['fastify-typed-ws', 'Codec', ['messages-and-schemas.md', 'asyncapi.md']],
  ['fastify-typed-ws/asyncapi', 'AsyncApiOptions', ['asyncapi.md']],
  ['fastify-typed-ws/client', 'Client', ['client.md']],
  ['fastify-typed-ws/client', 'ClientOptions', ['client.md']],
  ['fastify-typed-ws/cluster', 'RoomCarrier', ['cluster.md']],
  ['fastify-typed-ws/metrics', 'WsMetricsOptions', ['observability.md']],
  ['fastify-typed-ws/nats', 'NatsAdapterOptions', ['cluster.md']],
  ['fastify-typed-ws/redis', 'RedisAdapterOptions', ['cluster.md']]
]

t.test('every exported name is on a page', async t => {
  for (const entry of Object.keys(entries) as Entry[]) {
    t.same(missingIn(allPages, names.exportsOf(entry).filter(name => !referenceOnly.includes(name))), [], entry)
  }
})

t.test('every member of what applications use is on the page of that', async t => {
  for (const [entry, name, pages] of members) t.same(missingIn(pages, names.membersOf(entry, name)), [], `${name}: ${pages.join(', ')}`)
})

t.test('what the plugins add to applications and requests is on a page', async t => {
  t.same(missingIn(allPages, names.addedTo('FastifyInstance').map(name => `app.${name}`)), [])
  t.same(missingIn(allPages, names.addedTo('FastifyRequest').map(name => `request.${name}`)), [])
})

t.test('what is left to the reference is in it, and there only', async t => {
  const exported = (Object.keys(entries) as Entry[]).flatMap(entry => names.exportsOf(entry))
  const reference = readdirSync(join(packageRoot, 'docs/api')).map(page => readFileSync(join(packageRoot, 'docs/api', page), 'utf8')).join('\n')
  for (const name of referenceOnly) {
    t.ok(exported.includes(name), `${name} is exported`)
    t.match(reference, new RegExp(`^### ${name}(?:\\(\\))?$`, 'm'), name)
  }
})

t.test('a name that is on no page would be noticed', async t => {
  t.same(missingIn(['connection.md'], ['bufferedAmount', 'buffered', 'drained', 'explode']), ['buffered', 'explode'])
  t.ok(names.exportsOf('fastify-typed-ws').includes('memoryAdapter'))
  t.same(names.membersOf('fastify-typed-ws', 'JoinResult'), ['eventId', 'recovered', 'replayed'])
  t.ok(names.addedTo('FastifyInstance').includes('wsRoutes'))
})
