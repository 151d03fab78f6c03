import type { AsyncApiDocument, AsyncApiObject, AsyncApiOptions } from '../../types/asyncapi.ts'
import type { WsRoute } from '../../types/fastify.ts'
import { channelName, describeChannel } from './channels.ts'
import { toJson } from './json-schema.ts'
import { ChannelMessages } from './messages.ts'
import { Names } from './names.ts'
import { describeOperations } from './operations.ts'
import { OwnMessages, correlationIds } from './own-messages.ts'
import { Schemas } from './schemas.ts'

/** A document, and where in it each route is. */
export interface Described {
  readonly document: AsyncApiDocument
  /** The names of the operations of each route that is not hidden. */
  readonly operations: ReadonlyMap<WsRoute, readonly string[]>
}

/**
 * The AsyncAPI 3.0 document of routes: plain JSON, in the order of the routes, nothing of the application's own objects in it.
 *
 * @param onLost is told of references that lead nowhere
 * @throws FST_ERR_WS_ASYNCAPI
 */
export function describeRoutes (routes: readonly WsRoute[], options: AsyncApiOptions, onLost: (ref: string) => void): Described {
  const schemas = new Schemas(onLost)
  const own = new OwnMessages()
  const channelNames = new Names()
  const operationNames = new Names()
  const channels: Record<string, AsyncApiObject> = {}
  const operations: Record<string, AsyncApiObject> = {}
  const byRoute = new Map<WsRoute, readonly string[]>()

  for (const route of routes) {
    if (route.schema?.hide === true) continue
    const name = channelNames.take(channelName(route))
    const messages = new ChannelMessages(route, schemas, own)
    channels[name] = describeChannel(route, messages, schemas, options)
    const ofRoute = describeOperations(name, route, messages, operationNames, options)
    Object.assign(operations, ofRoute)
    byRoute.set(route, Object.keys(ofRoute))
  }

  const components = {
    schemas: schemas.finish(),
    messages: own.messages,
    securitySchemes: options.securitySchemes ?? {},
    correlationIds
  }
  const document: AsyncApiDocument = {
    asyncapi: '3.0.0',
    ...(options.id === undefined ? {} : { id: options.id }),
    info: describeInfo(options),
    defaultContentType: 'application/json',
    ...(options.servers === undefined ? {} : { servers: describeServers(options.servers) }),
    channels,
    operations,
    components: Object.fromEntries(Object.entries(components).filter(([, part]) => Object.keys(part).length > 0))
  }
  // A copy, so that parts which several places share are not shared.
  return { document: freeze(toJson(document)) as AsyncApiDocument, operations: byRoute }
}

/** What is served is written when it is first asked for: it has to be what it was. */
function freeze (part: unknown): unknown {
  if (typeof part !== 'object' || part === null) return part
  Object.values(part).forEach(freeze)
  return Object.freeze(part)
}

function describeInfo ({ info = {}, tags, externalDocs }: AsyncApiOptions): AsyncApiDocument['info'] {
  const { title = 'WebSocket API', version = '0.0.0', ...others } = info
  return {
    title,
    version,
    ...others,
    ...(tags === undefined ? {} : { tags }),
    ...(externalDocs === undefined ? {} : { externalDocs })
  }
}

function describeServers (servers: NonNullable<AsyncApiOptions['servers']>): AsyncApiDocument['servers'] {
  return Object.fromEntries(Object.entries(servers).map(([name, server]) => [name, { protocol: 'wss', ...server }]))
}
