import type { FastifyInstance, FastifyReply, FastifyRequest, FastifySchema } from 'fastify'
import type { AsyncApiOptions, AsyncApiServer } from '../../types/asyncapi.ts'
import { Assets, contentOf } from './assets.ts'
import type { ResolveFile } from './assets.ts'
import { linksFrom, readerHtml, tryHtml } from './html.ts'

/** What the pages need to know. */
export interface PagesOptions {
  readonly title: string
  /** Whether there is the page of the document. */
  readonly page: boolean
  /** Whether there is the page that tries the routes. */
  readonly tryIt: boolean
  /** Whether the document is there as YAML, too. */
  readonly yaml: boolean
  readonly servers: AsyncApiOptions['servers']
  readonly hooks: NonNullable<AsyncApiOptions['hooks']>
}

interface AssetRoute {
  Params: { version: string, '*': string }
}

/**
 * Serves the page of the document at `<path>`, and the one that tries the routes at `<path>/try`, with what they load. They read the document from `<path>/json`.
 *
 * @param path `''` for the root of the instance
 * @throws FST_ERR_WS_ASYNCAPI where the renderer is not installed
 */
export function registerPages (instance: FastifyInstance, path: string, options: PagesOptions, resolve?: ResolveFile): void {
  const { page, tryIt, servers, hooks } = options
  if (!page && !tryIt) return
  const assets = Assets.ofPages(options, resolve)
  const fullPath = instance.prefix + path
  const schema: FastifySchema & { hide: true } = { hide: true }
  const route = { schema, logLevel: 'warn' as const, ...hooks }

  if (page) {
    instance.get(path || '/', route, async (request, reply) => {
      sendPage(reply, readerHtml(options, assets.version, linksFrom(request.originalUrl, fullPath, false)), [])
      return reply
    })
  }
  if (tryIt) {
    const sockets = originsOf(servers)
    instance.get(`${path}/try`, route, async (request, reply) => {
      sendPage(reply, tryHtml(options, assets.version, linksFrom(request.originalUrl, fullPath, true)), sockets)
      return reply
    })
  }
  instance.get<AssetRoute>(`${path}/assets/:version/*`, route, async (request: FastifyRequest<AssetRoute>, reply) => {
    const { version, '*': name } = request.params
    const asset = assets.get(name)
    if (asset === undefined) {
      reply.callNotFound()
      return reply
    }
    // While a new version is rolled out, the page may come from one process and this from another: it is given what there is, and asked for again.
    const caching = version === assets.version ? 'private, max-age=31536000, immutable' : 'private, no-cache'
    reply.type(asset.type).headers({ ...protection, 'cache-control': caching })
    return reply.send(contentOf(asset))
  })
}

const protection = { 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' }

function sendPage (reply: FastifyReply, html: string, sockets: readonly string[]): void {
  reply.type('text/html; charset=utf-8').headers({
    ...protection,
    'cache-control': 'private, no-cache',
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
