import { createHash } from 'node:crypto'
import createError from '@fastify/error'
import { Type } from '@sinclair/typebox'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify from 'fastify'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import typedWs from 'fastify-typed-ws'
import type { Connection } from 'fastify-typed-ws'
import { msgpack, serveMsgpack } from '../support/msgpack.ts'
import { servePages } from '../support/pages.ts'
import { runAsProgram } from '../support/run.ts'
import { Boards } from './board.ts'
import type { Board } from './board.ts'
import { Cleared, Drew, Pointed, Removed, whiteboard } from './messages.ts'
import type { Person } from './messages.ts'

const NotAtBoard = createError('WHITEBOARD_NOT_AT_BOARD', 'join a board first', 403)
const TooManyBoards = createError('WHITEBOARD_TOO_MANY_BOARDS', 'all boards are in use', 429)

/** Who draws over a connection, and where. */
interface Drawer extends Person {
  at: { readonly name: string, readonly board: Board } | null
}

/**
 * Drawing boards for many. A board is two rooms: of `board:…` every message counts, so a client that can't keep up is closed, comes back, and gets the drawing anew;
 * of `cursors:…` it gets the latest of each.
 */
export async function build (options: FastifyServerOptions = {}): Promise<FastifyInstance> {
  const app = Fastify(options).withTypeProvider<TypeBoxTypeProvider>()
  await app.register(typedWs)
  await servePages(app, 'whiteboard')
  await serveMsgpack(app)

  const drawings = app.rooms.declare('board:*', {
    send: Type.Union([Drew, Removed, Cleared]),
    presence: { data: connection => personOf(connection.data as Drawer), notify: { interval: 100 } }
  })
  app.rooms.declare('cursors:*', {
    send: Pointed,
    slowConsumer: { policy: 'keep-latest', key: ({ by }) => by }
  })
  const boards = new Boards(50, name => app.rooms.has(`board:${name}`))

  app.ws('/whiteboard', {
    schema: { summary: 'A drawing board for many', ...whiteboard },
    codec: { msgpack, json: 'json' },
    heartbeat: { notify: true },
    maxPayload: 8 * 1024,
    // A page sends one or two in each frame of its screen, and screens differ.
    limits: { messages: { perSecond: 300, burst: 600 }, rooms: 2 },
    onOpen: (): Drawer => ({ by: '', name: '', colour: 0, at: null })
  }, {
    async join ({ room, name, colour, key }, connection) {
      await leaveBoard(connection)
      const board = boards.open(room)
      if (board === null) throw new TooManyBoards()
      Object.assign(connection.data, { by: nameOfKey(key), name, colour, at: { name: room, board } })
      await Promise.all([connection.join(`board:${room}`), connection.join(`cursors:${room}`)])
      const people = await app.room(`board:${room}`).members<Person>()
      return { type: 'joined', by: connection.data.by, people, strokes: board.strokes }
    },
    async leave (_message, connection) {
      await leaveBoard(connection)
    },
    draw (message, connection) {
      const { name, board } = mustBeAtBoard(connection.data)
      const { by } = connection.data
      const removed = board.draw(by, message)
      connection.to(`board:${name}`).send({ ...message, type: 'drew', by })
      if (removed.length > 0) void drawings.room(`board:${name}`).send({ type: 'removed', strokes: removed })
    },
    point ({ x, y }, connection) {
      const { name } = mustBeAtBoard(connection.data)
      connection.to(`cursors:${name}`).send({ type: 'pointed', by: connection.data.by, x, y })
    },
    undo (_message, connection) {
      const { name, board } = mustBeAtBoard(connection.data)
      const stroke = board.undo(connection.data.by)
      if (stroke !== null) void drawings.room(`board:${name}`).send({ type: 'removed', strokes: [stroke] })
    },
    clear (_message, connection) {
      const { name, board } = mustBeAtBoard(connection.data)
      board.clear()
      void drawings.room(`board:${name}`).send({ type: 'cleared' })
    }
  })

  return app
}

async function leaveBoard (connection: Connection<unknown, Drawer>): Promise<void> {
  connection.data.at = null
  await Promise.all([...connection.rooms].map(room => connection.leave(room)))
}

/** @throws WHITEBOARD_NOT_AT_BOARD */
function mustBeAtBoard ({ at }: Drawer): NonNullable<Drawer['at']> {
  if (at === null) throw new NotAtBoard()
  return at
}

function personOf ({ by, name, colour }: Drawer): Person {
  return { by, name, colour }
}

/** What others know a page by: not its key, with which they could undo its strokes. */
function nameOfKey (key: string): string {
  return createHash('sha256').update(key).digest('base64url').slice(0, 8)
}

await runAsProgram(import.meta.url, build)
