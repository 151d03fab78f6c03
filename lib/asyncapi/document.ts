import type { AsyncApiDocument, AsyncApiOptions } from '../../types/asyncapi.ts'
import type { WsRoute } from '../../types/fastify.ts'

/** The AsyncAPI 3.0 document of routes. */
export function buildDocument (_routes: readonly WsRoute[], options: AsyncApiOptions): AsyncApiDocument {
  const { title = 'WebSocket API', version = '0.0.0', ...info } = options.info ?? {}
  return { asyncapi: '3.0.0', info: { title, version, ...info }, defaultContentType: 'application/json', channels: {}, operations: {}, components: {} }
}
