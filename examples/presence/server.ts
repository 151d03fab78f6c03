import { Type } from '@sinclair/typebox'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify from 'fastify'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import typedWs from 'fastify-typed-ws'
import { servePages } from '../support/pages.ts'
import { runAsProgram } from '../support/run.ts'
import { contract, Counts, Name } from './messages.ts'
import type { DocumentName, PersonData } from './messages.ts'
import { Totals } from './totals.ts'

/** The most that are listed at once; of others their number is told. */
const [listed, noticed] = [48, 20]

/**
 * Who is here: documents, and who has them open.
 *
 * @param notices how often members are told who comes and goes, in milliseconds
 */
export async function build (options: FastifyServerOptions = {}, notices = { interval: 250 }): Promise<FastifyInstance> {
  const app = Fastify(options).withTypeProvider<TypeBoxTypeProvider>()
  await app.register(typedWs, {
    maxPayload: 1024,
    // A page brings its visitors along, up to 150.
    limits: { connectionsPerIp: 500, messages: { perSecond: 20, burst: 40 } }
  })
  await servePages(app, 'presence')

  // Asked when a connection joins, and again when it joins again: so a new status is told.
  app.rooms.declare('document:*', {
    presence: { data: ({ data }) => data, notify: { ...notices, limit: noticed } }
  })
  const totals = new Totals(app, app.rooms.declare('lobby', { send: Counts }).room('lobby'))

  app.ws('/presence', {
    schema: {
      querystring: Type.Object({ name: Name, hue: Type.Integer({ minimum: 0, maximum: 359 }) }),
      ...contract
    },
    async onOpen (connection, { query: { name, hue } }): Promise<PersonData> {
      await connection.join('lobby')
      totals.tell()
      return { name, hue, status: 'active' }
    },
    onClose: () => totals.tell()
  }, {
    async join ({ room }, connection) {
      await connection.join(roomOf(room))
      totals.tell()
      return { type: 'joined', room, me: connection.id, ...await peopleIn(room) }
    },

    async leave ({ room }, connection) {
      await connection.leave(roomOf(room))
      totals.tell()
    },

    async status ({ status }, connection) {
      connection.data.status = status
      await Promise.all(documentsOf(connection.rooms).map(room => connection.join(room)))
    },

    who: async ({ room }) => ({ type: 'people', room, ...await peopleIn(room) })
  })

  /** Notices list only some of very many: a page that comes reads the list first, and one that knows too few reads it again. */
  async function peopleIn (document: DocumentName) {
    const room = app.room(roomOf(document))
    const [count, members] = await Promise.all([room.count(), room.members<PersonData>({ limit: listed })])
    return { count, members: members.map(({ id, data }) => ({ id, data })) }
  }

  return app
}

function roomOf (document: DocumentName): `document:${DocumentName}` {
  return `document:${document}`
}

function documentsOf (rooms: Iterable<string>): string[] {
  return [...rooms].filter(room => room.startsWith('document:'))
}

await runAsProgram(import.meta.url, build)
