import type { WsMessageEvent } from '../../types/channels.ts'
import { channels } from '../channels.ts'
import type { MessageId } from '../messages/send-contract.ts'
import type { ServerConnection } from './connection.ts'
import type { MessageHandler, RouteContext } from './route-context.ts'
import { isThenable } from './thenable.ts'

/**
 * Calls a handler as `fastify-typed-ws:message` tells it: in the stores that are bound to its `start`. What comes after the
 * handler, the next message above all, is outside of them.
 *
 * @returns what the handler answered; a promise of it settles when its end has been told
 * @throws what the handler throws
 */
export function traceHandler (handler: MessageHandler, message: unknown, id: MessageId | undefined, connection: ServerConnection, route: RouteContext): unknown {
  const { instance, url, receives } = route
  const event: WsMessageEvent = { connection, instance, route: url, type: receives.typeOf(message), id, message }
  return channels.message.start.runStores(event, run, undefined, handler, event, connection)
}

function run (handler: MessageHandler, event: WsMessageEvent, connection: ServerConnection): unknown {
  const { end, error } = channels.message
  try {
    const result = handler.call(event.instance, event.message, connection)
    if (isThenable(result)) return follow(result, event)
    event.result = result
    return result
  } catch (failure) {
    event.error = failure
    error.publish(event)
    throw failure
  } finally {
    end.publish(event)
  }
}

async function follow (promise: PromiseLike<unknown>, event: WsMessageEvent): Promise<unknown> {
  const { asyncStart, asyncEnd, error } = channels.message
  try {
    const result = await promise
    event.result = result
    return result
  } catch (failure) {
    event.error = failure
    error.publish(event)
    throw failure
  } finally {
    asyncStart.publish(event)
    asyncEnd.publish(event)
  }
}
