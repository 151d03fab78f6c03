import fp from 'fastify-plugin'
import type { FastifyInstance } from 'fastify'
import type { AsyncApiDocument, AsyncApiOptions } from '../../types/asyncapi.ts'
import { FST_ERR_WS_ASYNCAPI } from '../errors.ts'
import { buildDocument } from './document.ts'

async function registerAsyncApi (instance: FastifyInstance, options: AsyncApiOptions): Promise<void> {
  if (!instance.hasDecorator('wsRoutes')) throw new FST_ERR_WS_ASYNCAPI('register fastify-typed-ws before it')
  let document: AsyncApiDocument | null = null
  instance.decorate('asyncapi', () => {
    if (document === null) throw new FST_ERR_WS_ASYNCAPI('the document is there when the application is ready')
    return document
  })
  instance.addHook('onReady', async () => { document = buildDocument(instance.wsRoutes, options) })
}

export const plugin = fp(registerAsyncApi, { fastify: '5.x', name: 'fastify-typed-ws-asyncapi' })
