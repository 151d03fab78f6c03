export { natsAdapter } from './adapter.ts'
export type * from '../../../types/nats.ts'
