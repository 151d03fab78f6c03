import fp from 'fastify-plugin'
import type { FastifyInstance, RouteShorthandOptions } from 'fastify'
import type { AsyncApiDocument, AsyncApiOptions } from '../../types/asyncapi.ts'
import { FST_ERR_WS_ASYNCAPI } from '../errors.ts'
import { describeRoutes } from './document.ts'
import type { Described } from './document.ts'
import { resolveAsyncApiOptions } from './options.ts'
import type { ResolvedAsyncApiOptions } from './options.ts'
import { registerPages } from './pages.ts'
import { Served } from './served.ts'
import { SwaggerLinks } from './swagger-link.ts'
import { loadYaml } from './yaml.ts'

async function registerAsyncApi (instance: FastifyInstance, options: AsyncApiOptions): Promise<void> {
  if (!instance.hasDecorator('wsRoutes')) throw new FST_ERR_WS_ASYNCAPI('register fastify-typed-ws before it')
  if (instance.hasDecorator('asyncapi')) throw new FST_ERR_WS_ASYNCAPI('it is registered already')
  const resolved = resolveAsyncApiOptions(options)
  let document: AsyncApiDocument | null = null
  const get = (): AsyncApiDocument => {
    if (document === null) throw new FST_ERR_WS_ASYNCAPI('the document is there when the application is ready')
    return document
  }
  instance.decorate('asyncapi', get)

  const links = new SwaggerLinks(instance)
  if (resolved.path !== null) {
    const { path, page, tryIt, hooks, described: { info, servers } } = resolved
    const yaml = await serve(instance, path, resolved, get)
    registerPages(instance, path, { title: info?.title ?? 'WebSocket API', page, tryIt, yaml, servers, hooks })
  }

  instance.addHook('onReady', async () => {
    const described = describeRoutes(instance.wsRoutes, resolved.described, ref => {
      instance.log.warn({ ref }, 'AsyncAPI: a $ref of a schema leads nowhere')
    })
    document = described.document
    for (const [route, operations] of described.operations) {
      const to = placeOf(described, operations, instance.prefix, resolved)
      if (to !== null) links.add(route, to)
    }
  })
}

/** Where the document has the first operation of a route: on the page, else in the JSON; null where nothing is served. Every route has one: errors are sent. */
function placeOf ({ document }: Described, operations: readonly string[], prefix: string, { path, page }: ResolvedAsyncApiOptions): string | null {
  if (path === null) return null
  if (!page) return `${prefix}${path}/json`
  const [name] = operations
  const { action, reply } = document.operations[name]
  // The renderer calls it a reply where there is one.
  return `${prefix}${path || '/'}#operation-${reply === undefined ? String(action) : 'reply'}-${name}`
}

/** The document as JSON and, where the package `yaml` is installed, as YAML: answers whether it is. */
async function serve (instance: FastifyInstance, path: string, { yaml, hooks }: ResolvedAsyncApiOptions, get: () => AsyncApiDocument): Promise<boolean> {
  // As @fastify/swagger reads it: documents are no part of an API.
  const schema: RouteShorthandOptions['schema'] & { hide: true } = { hide: true }
  const route = { schema, logLevel: 'warn' as const, ...hooks }

  let json: Served | null = null
  instance.get(`${path}/json`, route, (request, reply) => {
    json ??= new Served('application/asyncapi+json; version=3.0.0', 'asyncapi.json', JSON.stringify(get()))
    return json.answer(request, reply)
  })

  if (yaml === false) return false
  const toYaml = await loadYaml(yaml === true)
  if (toYaml === null) {
    instance.log.info('AsyncAPI: no YAML, as the package yaml is not installed')
    return false
  }
  let text: Served | null = null
  instance.get(`${path}/yaml`, route, (request, reply) => {
    text ??= new Served('application/asyncapi+yaml; version=3.0.0', 'asyncapi.yaml', toYaml(get()))
    return text.answer(request, reply)
  })
  return true
}

/**
 * The AsyncAPI document of a server's WebSocket routes: `app.register(asyncapi, options)`, after fastify-typed-ws.
 *
 * @throws FST_ERR_WS_ASYNCAPI
 */
export const plugin = fp(registerAsyncApi, { fastify: '5.x', name: 'fastify-typed-ws-asyncapi' })
