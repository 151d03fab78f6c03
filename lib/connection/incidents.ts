import type { CloseInfo, Traffic } from '../../types/connection.ts'
import type { ExceedOption } from '../../types/options.ts'
import { channels } from '../channels.ts'
import type { ServerConnection } from './connection.ts'
import type { Link } from './link.ts'
import type { RouteContext } from './route-context.ts'
import type { SlowConsumer, SlowConsumerOutcome } from './slow-consumer.ts'

/* What an operator is told of a connection: by counters, on channels, in the log. */

/** @param bufferedAmount bytes that the client has not taken */
export function tellSlow (connection: Link, { counters, instance, url: route }: RouteContext, outcome: SlowConsumerOutcome, { policy }: SlowConsumer, bufferedAmount: number): void {
  counters.onSlow(outcome)
  if (channels.slowConsumer.hasSubscribers) channels.slowConsumer.publish({ connection, instance, route, policy, outcome, bufferedAmount })
  if (outcome === 'closed') connection.log.info({ bufferedAmount }, 'WebSocket closed: the client does not read')
}

export function tellLimited (connection: Link, { counters, instance, url: route }: RouteContext, policy: ExceedOption): void {
  counters.limited++
  if (channels.limited.hasSubscribers) channels.limited.publish({ connection, instance, route, policy })
}

export function tellTooBig (connection: Link, { counters, instance, url: route, maxPayload }: RouteContext): void {
  counters.tooBig++
  if (channels.tooBig.hasSubscribers) channels.tooBig.publish({ connection, instance, route, maxPayload })
}

export function tellSilent ({ log }: Link, { counters }: RouteContext): void {
  counters.silent++
  log.info('WebSocket dropped: the client does not answer')
}

/**
 * It is counted already.
 *
 * @param isLogged whether requests are
 */
export function tellClosed (connection: ServerConnection, { instance, url: route }: RouteContext, info: CloseInfo, traffic: Traffic, isLogged: boolean): void {
  const { id, log } = connection
  const { rooms, ...facts } = info
  if (isLogged) log.info({ connection: id, ...facts, ...traffic }, 'WebSocket closed')
  if (channels.close.hasSubscribers) channels.close.publish({ connection, instance, route, info, traffic })
}
