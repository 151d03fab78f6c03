import type { WsRoute } from '../../types/fastify.ts'
import { Names, capitalize, toPointer } from './names.ts'
import type { AsyncApiObject } from '../../types/asyncapi.ts'

type NoticeType = WsRoute['notices'][number]

const string = { type: 'string' }
const room = { type: 'string', description: 'The room that it is about.' }
const member = { type: 'object', required: ['id'], properties: { id: { type: 'string', description: 'The id of the connection.' }, data: {} } }

/** What this package says to clients by itself. */
const notices: Readonly<Record<NoticeType, { title: string, summary: string, properties: AsyncApiObject, required: readonly string[], example: AsyncApiObject }>> = {
  error: {
    title: 'Error',
    summary: 'A message was refused, or its handler failed. The connection stays open.',
    properties: {
      id: { type: ['string', 'integer'], description: 'That of the message that it answers, where it had one.' },
      code: { type: 'string', description: 'Tells errors apart.' },
      message: string,
      errors: { type: 'array', items: {}, description: 'What the validator found.' }
    },
    required: ['code', 'message'],
    example: { type: 'error', id: 1, code: 'FST_ERR_WS_INVALID_MESSAGE', message: "message must have required property 'room'" }
  },
  expiring: {
    title: 'Expiring',
    summary: 'The connection expires soon, and is closed with 4401 then.',
    properties: { expiresAt: { type: 'string', format: 'date-time' } },
    required: ['expiresAt'],
    example: { type: 'expiring', expiresAt: '2030-01-01T12:00:00.000Z' }
  },
  heartbeat: {
    title: 'Heartbeat',
    summary: 'The server is there. A client that hears nothing for longer than the interval may take it for gone.',
    properties: { interval: { type: 'integer', description: 'The next one comes within so many milliseconds.' } },
    required: ['interval'],
    example: { type: 'heartbeat', interval: 25_000 }
  },
  gap: {
    title: 'Gap',
    summary: 'Some messages of a room are lost: something is missing before what follows `eventId`.',
    properties: { room, eventId: { type: 'string', description: 'A place in the history of the room.' } },
    required: ['room', 'eventId'],
    example: { type: 'gap', room: 'chat:1', eventId: '4f2a-17' }
  },
  presence: {
    title: 'Presence',
    summary: 'Who came into a room, and who left it.',
    properties: {
      room,
      count: { type: 'integer', description: 'How many are in it now.' },
      joined: { type: 'array', items: member },
      left: { type: 'array', items: member },
      more: { type: 'integer', description: 'How many more joined or left than are listed.' }
    },
    required: ['room', 'count', 'joined', 'left'],
    example: { type: 'presence', room: 'chat:1', count: 1, joined: [{ id: '7', data: { name: 'Ada' } }], left: [] }
  }
}

/** Those of a document, as components: one of each for each content type. */
export class OwnMessages {
  readonly messages: Record<string, AsyncApiObject> = {}
  readonly #names = new Names()
  readonly #pointers = new Map<string, string>()

  /** A reference to the message of this type. */
  refer (type: NoticeType, contentType: string): AsyncApiObject {
    const key = `${type} ${contentType}`
    let pointer = this.#pointers.get(key)
    if (pointer === undefined) {
      const name = this.#names.take(type, type + capitalize(contentType.split(/[/+]/).pop() ?? ''))
      this.messages[name] = describe(type, contentType)
      pointer = toPointer('components', 'messages', name)
      this.#pointers.set(key, pointer)
    }
    return { $ref: pointer }
  }
}

function describe (type: NoticeType, contentType: string): AsyncApiObject {
  const { title, summary, properties, required, example } = notices[type]
  return {
    name: type,
    title,
    summary,
    contentType,
    ...(type === 'error' ? { correlationId: correlationById } : {}),
    payload: { type: 'object', required: ['type', ...required], properties: { type: { const: type }, ...properties } },
    examples: [{ payload: example }]
  }
}

/** The component by which replies and errors find their message. */
export const correlationById: AsyncApiObject = { $ref: '#/components/correlationIds/id' }

export const correlationIds: Readonly<Record<string, AsyncApiObject>> = {
  id: { description: 'A message with an `id`, a string of at most 64 characters or an integer, is answered with the same `id`.', location: '$message.payload#/id' }
}
