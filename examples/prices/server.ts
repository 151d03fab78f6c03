import { Type } from '@sinclair/typebox'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify from 'fastify'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import typedWs from 'fastify-typed-ws'
import { servePages } from '../support/pages.ts'
import { runAsProgram } from '../support/run.ts'
import { Market, markets, PriceSchema } from './market.ts'

/** How often prices change, in milliseconds: a hundred times a second, each time a few in each market. */
const changeEvery = 10

const MarketName = Type.Union(markets.map(name => Type.Literal(name)))

/** Live prices: a client that can't keep up misses what is out of date, and always gets the latest of each symbol. */
export async function build (options: FastifyServerOptions = {}): Promise<FastifyInstance> {
  const app = Fastify(options).withTypeProvider<TypeBoxTypeProvider>()
  await app.register(typedWs, {
    // The list of all prices is worth it; a single price is far below the threshold.
    perMessageDeflate: true,
    budget: { connection: 256 * 1024 }
  })
  await servePages(app, 'prices')

  const prices = app.rooms.declare('prices:*', {
    send: PriceSchema,
    slowConsumer: { policy: 'keep-latest', key: ({ symbol }) => symbol }
  })

  const all = markets.map(name => new Market(name))
  const timer = setInterval(() => {
    for (const market of all) {
      for (const price of market.change()) void prices.room(`prices:${market.name}`).send(price)
    }
  }, changeEvery)
  app.addHook('preClose', async () => clearInterval(timer))

  app.ws('/prices', {
    schema: {
      querystring: Type.Object({ market: MarketName }),
      send: Type.Object({ prices: Type.Array(PriceSchema) })
    },
    async onOpen (connection, request) {
      const { market } = request.query
      // First all of them, then what changes.
      connection.send({ prices: all.flatMap(each => each.name === market ? each.prices : []) })
      await connection.join(`prices:${market}`)
    }
  }, () => {})

  app.get('/stats', async () => app.wsStats())

  return app
}

await runAsProgram(import.meta.url, build)
