import type { onRequestHookHandler, preHandlerHookHandler } from 'fastify'

/** A document of AsyncAPI 3.0, or a part of one. */
export type AsyncApiObject = { readonly [field: string]: unknown }

/** An AsyncAPI 3.0 document. */
export interface AsyncApiDocument {
  readonly asyncapi: '3.0.0'
  readonly id?: string
  readonly info: AsyncApiObject & { readonly title: string, readonly version: string }
  readonly defaultContentType: string
  readonly servers?: { readonly [name: string]: AsyncApiObject }
  readonly channels: { readonly [name: string]: AsyncApiObject }
  readonly operations: { readonly [name: string]: AsyncApiObject }
  readonly components: { readonly [kind: string]: { readonly [name: string]: AsyncApiObject } }
}

/** A server that clients connect to. */
export interface AsyncApiServer {
  /** With its port, such as `example.com:8443`. */
  readonly host: string
  /** Default: `'wss'`. */
  readonly protocol?: 'ws' | 'wss'
  readonly pathname?: string
  readonly title?: string
  readonly description?: string
  readonly [field: string]: unknown
}

/** Options of `app.register(asyncapi, …)`. */
export interface AsyncApiOptions {
  /** What the document says of itself. Default: title `'WebSocket API'`, version `'0.0.0'`. */
  info?: { title?: string, version?: string, description?: string, [field: string]: unknown }
  /** A URI that identifies the application. */
  id?: string
  /** Default: none: the page connects to where it comes from. */
  servers?: { readonly [name: string]: AsyncApiServer }
  /** Those that routes name in `schema.security`. */
  securitySchemes?: { readonly [name: string]: AsyncApiObject }
  /** What is said of the tags that routes name in `schema.tags`. */
  tags?: ReadonlyArray<{ readonly name: string, readonly description?: string, readonly [field: string]: unknown }>
  externalDocs?: { readonly url: string, readonly description?: string }
  /** Where the routes of the document begin; `false` for none. `<path>` is the page, `<path>/json` and `<path>/yaml` the document, `<path>/try` the form. Default: `'/asyncapi'`. */
  path?: string | false
  /** Whether there is a page. It needs the package `@asyncapi/react-component`. Default: `true` where `path` is not `false`. */
  page?: boolean
  /** Whether messages can be sent from a page. Default: `true` where `page` is. */
  tryIt?: boolean
  /** Whether there is YAML at `<path>/yaml`; `true` needs the package `yaml`. Default: where that is installed. */
  yaml?: boolean
  /** Hooks of these routes: who may see them. */
  hooks?: { readonly onRequest?: onRequestHookHandler | onRequestHookHandler[], readonly preHandler?: preHandlerHookHandler | preHandlerHookHandler[] }
}

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * The document of all WebSocket routes whose `schema.hide` is not `true`, once the application is ready.
     *
     * @throws FST_ERR_WS_ASYNCAPI before
     */
    asyncapi (): AsyncApiDocument
  }
}
