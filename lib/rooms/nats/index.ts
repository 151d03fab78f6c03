/**
 * Rooms over several processes, carried by NATS; their histories by JetStream.
 *
 * @module fastify-typed-ws/nats
 */
export { natsAdapter } from './adapter.ts'
export type * from '../../../types/nats.ts'
