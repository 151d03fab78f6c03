import type { ErrorMessage } from '../../types/notices.ts'
import type { InvalidMessageError } from '../../types/options.ts'
import type { MessageId } from './send-contract.ts'

export function invalidMessage (error: InvalidMessageError, id: MessageId | undefined): ErrorMessage {
  return { type: 'error', ...withId(id), code: error.code, message: error.message, errors: error.errors }
}

/** A message over its client's rate, which was not looked into. */
export function limitedMessage ({ code, message }: InvalidMessageError, id: MessageId | undefined): ErrorMessage {
  return { type: 'error', ...withId(id), code, message }
}

/**
 * A handler's error. Those with a `statusCode` below 500, or that an error handler gave one, are meant for the client; of
 * others it learns nothing but that there was one.
 */
export function failedMessage (error: unknown, id: MessageId | undefined, status?: number): ErrorMessage {
  const { statusCode: own, code, message } = (typeof error === 'object' && error !== null ? error : {}) as Partial<Record<string, unknown>>
  const statusCode = status ?? own
  const isClients = typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500
  return {
    type: 'error',
    ...withId(id),
    code: !isClients ? 'FST_ERR_WS_INTERNAL' : typeof code === 'string' ? code : 'FST_ERR_WS_REFUSED',
    message: isClients && typeof message === 'string' ? message : 'Internal Server Error'
  }
}

export function withId (id: MessageId | undefined): { id?: MessageId } {
  return id === undefined ? {} : { id }
}
