import { AsyncResource } from 'node:async_hooks'

/** Made when this module is loaded, so outside of any request. */
const resource = new AsyncResource('fastify-typed-ws')

/**
 * Starts a timer, or whatever else serves all connections, outside of the request in which it happens to be started. An AsyncLocalStorage of that request's
 * would else hold for what is done for others, and be kept as long as the timer.
 */
export function outside<Result> (start: () => Result): Result {
  return resource.runInAsyncScope(start)
}
