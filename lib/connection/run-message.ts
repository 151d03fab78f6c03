import type { Payload } from '../../types/codec.ts'
import type { InvalidMessageError } from '../../types/options.ts'
import { FST_ERR_WS_RATE_LIMIT } from '../errors.ts'
import { channels } from '../channels.ts'
import { withoutId } from '../messages/closed-schema.ts'
import { invalidMessage, limitedMessage } from '../messages/error-message.ts'
import { checkSize } from '../messages/receive-contract.ts'
import type { ReceivedKind } from '../messages/receive-contract.ts'
import { idOf } from '../messages/send-contract.ts'
import type { MessageId, SendContract } from '../messages/send-contract.ts'
import type { ServerConnection } from './connection.ts'
import type { MessageHandler, RouteContext } from './route-context.ts'
import { isThenable } from './thenable.ts'
import { traceHandler } from './trace-handler.ts'

/** The largest message over the rate that is decoded for its id, in bytes or characters: what is refused must cost little. */
const maxDecoded = 4096

/**
 * Decodes, checks and handles one message, and sends what the handler answers. Nothing that it calls of the
 * application can throw past it.
 *
 * @returns whether it goes on after this call; `connection.settled()` then says when it is done
 */
export function runMessage (payload: Payload, connection: ServerConnection, route: RouteContext): boolean {
  let id: MessageId | undefined
  let kind: ReceivedKind<MessageHandler>
  let message: unknown
  try {
    message = connection.codec.decode(payload)
    id = idOf(message)
    kind = route.receives.kindOf(message)
    if (kind.maxPayload !== null) checkSize(payload, kind.maxPayload)
    message = route.receives.check(kind, kind.refusesId && id !== undefined ? withoutId(message as object) : message)
  } catch (error) {
    if (!isInvalidMessage(error)) return report(error, id, connection, route)
    refuse(error, id, payload, connection, route)
    return false
  }

  try {
    const result = channels.message.hasSubscribers
      ? traceHandler(kind.handler, message, id, connection, route)
      : kind.handler.call(route.instance, message, connection)
    // A handler that is not async must not pay for promises.
    if (isThenable(result)) {
      void settle(result, kind.reply, id, connection, route)
      return true
    }
    if (result !== undefined || kind.reply !== null) connection.reply(result, id, kind.reply)
    return false
  } catch (error) {
    return report(error, id, connection, route)
  }
}

/** Answers a message that its client had better not sent yet. */
export function refuseForRate (payload: Payload, connection: ServerConnection): void {
  let id: MessageId | undefined
  try {
    if (payload.length <= maxDecoded) id = idOf(connection.codec.decode(payload))
  } catch {
    // Its id is not known, then.
  }
  connection.tell(limitedMessage(new FST_ERR_WS_RATE_LIMIT('too many messages'), id))
}

async function settle (
  result: PromiseLike<unknown>, declared: SendContract | null, id: MessageId | undefined, connection: ServerConnection, route: RouteContext
): Promise<void> {
  try {
    const reply = await result
    if (reply !== undefined || declared !== null) connection.reply(reply, id, declared)
  } catch (error) {
    await tellFailure(error, id, connection, route)
  }
  connection.settled()
}

function report (error: unknown, id: MessageId | undefined, connection: ServerConnection, route: RouteContext): true {
  void tellFailure(error, id, connection, route).then(() => connection.settled())
  return true
}

async function tellFailure (error: unknown, id: MessageId | undefined, connection: ServerConnection, route: RouteContext): Promise<void> {
  route.counters.failed++
  try {
    const message = await route.onHandlerError(error, connection, id)
    if (message !== null) connection.tell(message)
  } catch (failure) {
    connection.log.error({ err: failure }, 'error of a WebSocket handler could not be told')
  }
}

function refuse (error: InvalidMessageError, id: MessageId | undefined, payload: Payload, connection: ServerConnection, route: RouteContext): void {
  const { onInvalid, instance, url } = route
  route.counters.invalid++
  if (channels.invalid.hasSubscribers) channels.invalid.publish({ connection, instance, route: url, error })
  if (onInvalid === 'reply') {
    connection.tell(invalidMessage(error, id))
  } else if (onInvalid === 'close') {
    connection.refuse(error.closeCode, error.message)
  } else {
    const onFailure = (error: unknown): void => connection.log.error({ err: error }, 'onInvalid failed')
    try {
      const result: unknown = onInvalid.call(instance, error, connection, payload)
      if (isThenable(result)) result.then(undefined, onFailure)
    } catch (error) {
      onFailure(error)
    }
  }
}

function isInvalidMessage (error: unknown): error is InvalidMessageError {
  return error instanceof Error && 'closeCode' in error && 'errors' in error
}
