import type { FastifyInstance } from 'fastify'
import { openingOf } from './opening.ts'

type ConstraintStrategy = Parameters<FastifyInstance['addConstraintStrategy']>[0]

/** The name of the constraint that tells `app.ws('/x')` from `app.get('/x')`. */
export const constraintName = 'upgrade'

export const forWebSocket = 'websocket'
const forOther = 'other'

/**
 * Routes with `upgrade: 'websocket'` take opening handshakes, those without take the rest, also on the same URL.
 *
 * A plain request to a URL that has only a WebSocket route is given to that route as well, which then answers 426, or 405 over HTTP/2.
 * The router keeps its routes of one URL as the bits of a number, the least constrained lowest, and takes the highest
 * that fits: WebSocket routes fit a plain request only where no other route stands below them.
 */
export function upgradeConstraint (): ConstraintStrategy {
  return {
    name: constraintName,
    storage () {
      let webSocketRoutes = 0
      return {
        // The router's types say handlers, and its code stores such numbers.
        get: value => (value === forWebSocket ? webSocketRoutes : lowestRun(webSocketRoutes)) as never,
        set: (_value, routes) => { webSocketRoutes = routes as never }
      }
    },
    deriveConstraint: request => openingOf(request) === null ? forOther : forWebSocket,
    mustMatchWhenDerived: false
  }
}

/** The run of set bits that begins at the lowest bit. */
function lowestRun (bits: number): number {
  return bits & ~(bits + 1)
}
