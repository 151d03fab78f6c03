import type { FastifyInstance } from 'fastify'
import type { CloseInfo } from '../../types/connection.ts'
import type { OnInvalidOption } from '../../types/options.ts'
import type { ErrorMessage } from '../../types/notices.ts'
import type { Broadcast } from '../messages/broadcast.ts'
import type { ReceiveContract } from '../messages/receive-contract.ts'
import type { MessageId, SendContract } from '../messages/send-contract.ts'
import type { ResolvedLimits } from '../limit-options.ts'
import type { Agenda } from './agenda.ts'
import type { ServerConnection } from './connection.ts'
import type { Counters } from './counters.ts'
import type { Heartbeat } from './heartbeat.ts'
import type { Holding } from './holding.ts'
import type { MemoryBudget } from './memory-budget.ts'
import type { Membership } from './membership.ts'
import type { RouteRates } from './rates.ts'
import type { SlowConsumer } from './slow-consumer.ts'

/** Handles a message; what it answers, now or later, is sent back. */
export type MessageHandler = (this: unknown, message: unknown, connection: ServerConnection) => unknown

/** What the connections of one route have in common: laid out once, with `null` for what is absent. */
export interface RouteContext {
  /** `this` of every callback: the encapsulating instance. */
  readonly instance: FastifyInstance
  /** As it was declared, with its prefix. */
  readonly url: string
  readonly receives: ReceiveContract<MessageHandler>
  readonly sends: SendContract
  readonly membership: Membership
  readonly onClose: ((this: unknown, connection: ServerConnection, info: CloseInfo) => unknown) | null
  /** null where the client is told in words of our own */
  readonly onExpiring: ((this: unknown, connection: ServerConnection, expiresAt: Date) => unknown) | null
  readonly onInvalid: OnInvalidOption
  /** Turns a handler's error into what the client is told; null for nothing. */
  readonly onHandlerError: (error: unknown, connection: ServerConnection, id: MessageId | undefined) => Promise<ErrorMessage | null>
  /** The connection has ended and its handlers have settled. */
  readonly onGone: (connection: ServerConnection) => void
  readonly maxPayload: number
  readonly concurrency: number
  readonly highWaterMark: number
  readonly closeTimeout: number
  readonly slowConsumer: SlowConsumer
  /** How much may wait for one client, in bytes. */
  readonly sendBudget: number
  /** null for none */
  readonly heartbeat: Heartbeat | null
  /** What clients are told with each ping; null for nothing. */
  readonly heartbeatNotice: Broadcast | null
  /** milliseconds; null for never */
  readonly idleTimeout: number | null
  /** milliseconds; null for never */
  readonly maxLifetime: number | null
  /** milliseconds; null for no warning */
  readonly expiryWarning: number | null
  /** Of the server. */
  readonly agenda: Agenda
  readonly limits: ResolvedLimits
  /** null for none */
  readonly rates: RouteRates | null
  /** What all connections of the server hold. */
  readonly budget: Pick<MemoryBudget<Holding>, 'change'>
  readonly counters: Counters
}
