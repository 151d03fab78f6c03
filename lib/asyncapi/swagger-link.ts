import type { FastifyInstance, RouteOptions } from 'fastify'
import type { WsOperation, WsRoute } from '../../types/fastify.ts'

/** Links between documents of OpenAPI and this one. @fastify/swagger reads the schemas of routes when it is asked for its document. */
export class SwaggerLinks {
  /** REST routes that have a GET, by URL, as far as they are declared after this. */
  readonly #restRoutes = new Map<string, RouteOptions[]>()

  constructor (instance: FastifyInstance) {
    instance.addHook('onRoute', route => {
      if (![route.method].flat().includes('GET') || Object.hasOwn(route.constraints ?? {}, 'upgrade')) return
      this.#restRoutes.set(route.url, [...this.#restRoutes.get(route.url) ?? [], route])
    })
  }

  /**
   * To be called when Fastify has compiled the schemas. Where a REST route has the same URL, OpenAPI shows that one: the link is there, too.
   */
  add ({ url, operation }: WsRoute, to: string): void {
    const externalDocs = { url: to, description: 'The messages of this WebSocket' }
    operation.externalDocs ??= externalDocs
    for (const route of this.#restRoutes.get(url) ?? []) {
      const schema: WsOperation = { externalDocs, ...route.schema as WsOperation }
      // The schema itself is the application's.
      route.schema = schema as RouteOptions['schema']
    }
  }
}
