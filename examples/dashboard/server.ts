import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify from 'fastify'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import typedWs from 'fastify-typed-ws'
import { servePages } from '../support/pages.ts'
import { runAsProgram } from '../support/run.ts'
import { Machines } from './machines.ts'
import { contract, Figures, groups, Reading } from './messages.ts'
import { NarrowLine } from './narrow-line.ts'

/** How often a few machines of each group are read, in milliseconds: some 1,000 readings a second in all. */
const readEvery = 10
const figuresEvery = 500

/** Machines, live: a page that can't keep up misses readings that are out of date, and always gets the latest of each machine. */
export async function build (options: FastifyServerOptions = {}): Promise<FastifyInstance> {
  const app = Fastify(options).withTypeProvider<TypeBoxTypeProvider>()
  await app.register(typedWs, {
    maxPayload: 1024,
    // The list of all machines is worth it; a single reading is far below the threshold.
    perMessageDeflate: true,
    budget: { connection: 256 * 1024 }
  })
  await servePages(app, 'dashboard')

  const machines = groups.map(group => new Machines(group))
  const readings = app.rooms.declare('machines:*', {
    send: Reading,
    slowConsumer: { policy: 'keep-latest', key: ({ machine }) => machine }
  })
  const figures = app.rooms.declare('figures', {
    send: Figures,
    slowConsumer: { policy: 'keep-latest', key: ({ type }) => type }
  }).room('figures')

  app.ws('/dashboard', {
    schema: contract,
    async onOpen (connection, { socket }) {
      await connection.join('figures')
      return { line: new NarrowLine(socket) }
    },
    onClose: ({ data }) => data.line.widen()
  }, {
    async join ({ room }, connection) {
      await connection.join(`machines:${room}`)
      return { type: 'joined', room, readings: machines.flatMap(each => each.group === room ? each.readings : []) }
    },

    leave: ({ room }, connection) => connection.leave(`machines:${room}`),

    line (message, { data }) {
      if (message.isNarrow) data.line.narrow()
      else data.line.widen()
      return message
    }
  })

  app.get('/stats', async () => app.wsStats())

  const reading = setInterval(() => {
    for (const each of machines) {
      for (const message of each.read()) void readings.room(`machines:${each.group}`).send(message)
    }
  }, readEvery)
  const telling = setInterval(() => {
    const { connections, memory, slowConsumers } = app.wsStats()
    void figures.send({ type: 'figures', connections: connections.open, held: memory.held, ...slowConsumers })
  }, figuresEvery)
  app.addHook('preClose', async () => {
    clearInterval(reading)
    clearInterval(telling)
  })

  return app
}

await runAsProgram(import.meta.url, build)
