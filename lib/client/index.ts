/**
 * The other end, for browsers and Node: one client over as many connections as it takes.
 *
 * @module fastify-typed-ws/client
 */
export { connect } from './connect.ts'
export { defineContract } from './define-contract.ts'
export { WsClientError } from './error.ts'
export type * from '../../types/client.ts'
export type * from '../../types/contract.ts'
export type * from '../../types/notices.ts'
