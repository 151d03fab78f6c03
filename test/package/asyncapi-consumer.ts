// What a user writes who describes his routes: compiled against the packed package, with the libraries' own types.
import Fastify from 'fastify'
import typedWs from 'fastify-typed-ws'
import asyncapi from 'fastify-typed-ws/asyncapi'
import type { AsyncApiDocument, AsyncApiOptions } from 'fastify-typed-ws/asyncapi'

const app = Fastify()
await app.register(typedWs)

const options: AsyncApiOptions = {
  info: { title: 'Chat', version: '1.0.0' },
  servers: { production: { host: 'example.com', protocol: 'wss' } },
  hooks: { onRequest: async (_request, reply) => { if (reply.sent) await reply } }
}
await app.register(asyncapi, options)

const document: AsyncApiDocument = app.asyncapi()
const titles: string[] = [document.info.title, ...app.wsRoutes.map(({ url, notices }) => `${url} ${notices.join()}`)]
console.log(titles)
