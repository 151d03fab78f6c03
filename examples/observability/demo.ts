import { setTimeout as delay } from 'node:timers/promises'
import { Type } from '@sinclair/typebox'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyBaseLogger, FastifyInstance, RawReplyDefaultExpression, RawRequestDefaultExpression, RawServerDefault } from 'fastify'

type App = FastifyInstance<RawServerDefault, RawRequestDefaultExpression, RawReplyDefaultExpression, FastifyBaseLogger, TypeBoxTypeProvider>

const Say = Type.Object({ type: Type.Literal('say'), text: Type.String({ maxLength: 200 }) })
const Order = Type.Object({ type: Type.Literal('order') })
const AskMenu = Type.Object({ type: Type.Literal('menu') })
const Fail = Type.Object({ type: Type.Literal('fail') })
const Said = Type.Object({ type: Type.Literal('said'), text: Type.String() })
const Menu = Type.Object({ type: Type.Literal('menu'), dishes: Type.String() })
const Served = Type.Object({ type: Type.Literal('served') })

/** How long an order takes, in milliseconds. What its client sends meanwhile has to wait, and is held. */
const preparation = 3_000

/** A long one: a client that does not read has the system's buffers full of it in some seconds. */
const dishes = 'Soup of the day, '.repeat(4_000)

/** What is watched: tables of a café. What somebody says is heard by all at the table. */
export function declareDemo (app: App): void {
  // Old words are worth nothing to somebody who does not listen.
  const tables = app.rooms.declare('table:*', { send: Type.Union([Said, Menu]), slowConsumer: 'drop-oldest' })

  app.ws('/demo', {
    schema: {
      querystring: Type.Object({ table: Type.Integer({ minimum: 0, maximum: 99 }) }),
      receive: Type.Union([Say, Order, AskMenu, Fail]),
      send: Served
    },
    maxPayload: 4 * 1024,
    // A client that says nothing for a minute has gone to sleep: its page connects again.
    idleTimeout: 60_000,
    limits: { connectionsPerIp: 250, messages: { perSecond: 20, burst: 40 }, exceed: 'error' },
    async onOpen (connection, request) {
      const table = `table:${request.query.table}` as const
      await connection.join(table)
      return { table }
    }
  }, {
    say ({ text }, connection) {
      void tables.room(connection.data.table).send({ type: 'said', text })
    },

    menu (_message, connection) {
      void tables.room(connection.data.table).send({ type: 'menu', dishes })
    },

    async order () {
      await delay(preparation)
      return { type: 'served' }
    },

    fail () {
      throw new Error('a handler failed, since it was asked to')
    }
  })
}
