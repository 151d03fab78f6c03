import type { FastifyInstance, FastifyReply, FastifyRequest, FastifySchema } from 'fastify'
import type { AsyncApiOptions, AsyncApiServer } from '../../types/asyncapi.ts'
import { Assets, contentOf } from './assets.ts'
import type { ResolveFile } from './assets.ts'
import { linksFrom, readerHtml, tryHtml } from './html.ts'

interface AssetRoute {
  Params: { version: string, '*': string }
}

/**
 * Serves the page of the document at `<path>`, and the one that tries the routes at `<path>/try`, with what they load. The document is read from `<path>/json`.
 *
 * @throws FST_ERR_WS_ASYNCAPI where the renderer is not installed
 */
export function registerPages (instance: FastifyInstance, options: AsyncApiOptions, resolve?: ResolveFile): void {
  const { path = '/asyncapi', page = true, tryIt = page, hooks = {}, info, servers } = options
  if (path === false || !page) return
  const assets = Assets.ofPages(tryIt, resolve)
  const title = info?.title ?? 'WebSocket API'
  const folder = path.endsWith('/') ? path.slice(0, -1) : path
  const fullPath = `${instance.prefix}${folder}` || '/'
  const schema: FastifySchema & { hide: true } = { hide: true }
  const route = { ...hooks, schema }

  instance.get(path, route, async (request, reply) => {
    sendPage(reply, readerHtml(title, assets.version, linksFrom(request.originalUrl, fullPath, false), tryIt), [])
    return reply
  })
  if (tryIt) {
    const sockets = originsOf(servers)
    instance.get(`${folder}/try`, route, async (request, reply) => {
      sendPage(reply, tryHtml(title, assets.version, linksFrom(request.originalUrl, fullPath, true)), sockets)
      return reply
    })
  }
  instance.get<AssetRoute>(`${folder}/assets/:version/*`, route, async (request: FastifyRequest<AssetRoute>, reply) => {
    const { version, '*': name } = request.params
    const asset = assets.get(name)
    if (asset === undefined) {
      reply.callNotFound()
      return reply
    }
    // While a new version is rolled out, the page may come from one process and this from another: it is given what there is, and asked for again.
    const caching = version === assets.version ? 'private, max-age=31536000, immutable' : 'no-cache'
    reply.type(asset.type).headers({ ...protection, 'cache-control': caching })
    return reply.send(contentOf(asset))
  })
}

const protection = { 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' }

function sendPage (reply: FastifyReply, html: string, sockets: readonly string[]): void {
  reply.type('text/html; charset=utf-8').headers({
    ...protection,
    'cache-control': 'no-cache',
    'content-security-policy': [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self' data:",
      ["connect-src 'self'", ...sockets].join(' '),
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'"
    ].join('; ')
  }).send(html)
}

/** Where the document says that its servers are; those with variables in their names are not known here. */
function originsOf (servers: Readonly<Record<string, AsyncApiServer>> = {}): string[] {
  return Object.values(servers).map(({ host, protocol = 'wss' }) => `${protocol}://${host}`).filter(origin => /^wss?:\/\/[\w.:[\]-]+$/.test(origin))
}
