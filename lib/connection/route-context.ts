import type { CloseInfo } from '../../types/connection.ts'
import type { OnInvalidOption } from '../../types/options.ts'
import type { ErrorMessage } from '../messages/error-message.ts'
import type { ReceiveContract } from '../messages/receive-contract.ts'
import type { MessageId, SendContract } from '../messages/send-contract.ts'
import type { ServerConnection } from './connection.ts'
import type { Counters } from './counters.ts'
import type { Heartbeat } from './heartbeat.ts'
import type { Link } from './link.ts'
import type { MemoryBudget } from './memory-budget.ts'
import type { Membership } from './membership.ts'
import type { SlowConsumer } from './slow-consumer.ts'

/** Handles a message; what it answers, now or later, is sent back. */
export type MessageHandler = (this: unknown, message: unknown, connection: ServerConnection) => unknown

/** What the connections of one route have in common: laid out once, with `null` for what is absent. */
export interface RouteContext {
  /** `this` of every callback: the encapsulating instance. */
  readonly instance: unknown
  readonly receives: ReceiveContract<MessageHandler>
  readonly sends: SendContract
  readonly membership: Membership
  readonly onClose: ((this: unknown, connection: ServerConnection, info: CloseInfo) => unknown) | null
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
  /** What all connections of the server hold. */
  readonly budget: MemoryBudget<Link>
  readonly counters: Counters
}
