/** What the JSON route must answer to a message. */
export interface ExpectedReply {
  readonly type: string
  /** The JSON of the id that it carries; null for none. */
  readonly id: string | null
  /** Of an error message. */
  readonly code: string | null
}

type Fields = Record<string, unknown>

/** The rules of the route's schema, and of ids and poison, in another way than the library has them. */
export function expectedReply (text: string): ExpectedReply {
  let message: unknown
  try {
    // Fastify's parser takes a byte order mark, which JSON.parse does not.
    message = JSON.parse(text.replace(/^\ufeff/, ''))
  } catch {
    return { type: 'error', id: null, code: 'FST_ERR_WS_INVALID_JSON' }
  }
  if (isPoisoned(message)) return { type: 'error', id: null, code: 'FST_ERR_WS_INVALID_JSON' }
  const fields = typeof message === 'object' && message !== null ? message as Fields : {}
  const id = idOf(fields)
  const type = Object.hasOwn(fields, 'type') ? fields.type : undefined
  if (typeof type !== 'string' || !Object.hasOwn(rules, type)) return { type: 'error', id, code: 'FST_ERR_WS_UNKNOWN_TYPE' }
  if (Array.isArray(fields) || !rules[type].isValid(fields)) return { type: 'error', id, code: 'FST_ERR_WS_INVALID_MESSAGE' }
  if (type === 'slow' && fields.text === 'fail') return { type: 'error', id, code: 'FST_ERR_WS_INTERNAL' }
  return { type: rules[type].reply, id, code: null }
}

const isRoom = (value: unknown): boolean => typeof value === 'string' && value.length > 0 && [...value].length <= 32
const isTextUpTo100 = (value: unknown): boolean => typeof value === 'string' && [...value].length <= 100

const rules: Readonly<Record<string, { reply: string, isValid: (fields: Fields) => boolean }>> = {
  join: { reply: 'joined', isValid: ({ room, since }) => isRoom(room) && (since === undefined || typeof since === 'string') },
  say: { reply: 'heard', isValid: ({ room, text }) => isRoom(room) && isTextUpTo100(text) },
  leave: { reply: 'left', isValid: ({ room }) => isRoom(room) },
  slow: { reply: 'done', isValid: ({ ms }) => Number.isInteger(ms) && (ms as number) >= 0 && (ms as number) <= 3 }
}

function idOf (fields: Fields): string | null {
  if (!Object.hasOwn(fields, 'id')) return null
  const { id } = fields
  return (typeof id === 'string' && id.length <= 64) || Number.isSafeInteger(id) ? JSON.stringify(id) : null
}

/** Own `__proto__` keys, and `constructor` objects with a `prototype`, anywhere. */
function isPoisoned (root: unknown): boolean {
  const values = [root]
  for (let value = values.pop(); values.length > 0 || value !== undefined; value = values.pop()) {
    if (typeof value !== 'object' || value === null) continue
    if (Object.hasOwn(value, '__proto__')) return true
    const own = Object.hasOwn(value, 'constructor') ? value.constructor as unknown : null
    if (typeof own === 'object' && own !== null && Object.hasOwn(own, 'prototype')) return true
    values.push(...Object.values(value))
  }
  return false
}
