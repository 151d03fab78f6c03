import type { RawServerBase } from 'fastify'

/** Where Fastify keeps them: of their events, it passes on requests and upgrades only. */
const otherServers = 'fastify.serverBindings'

/** The servers of the other addresses of `localhost`, which the application does not see. */
export function otherServersOf (instance: object): RawServerBase[] {
  for (let holder: object = instance; holder !== Object.prototype; holder = Object.getPrototypeOf(holder)) {
    const symbol = Object.getOwnPropertySymbols(holder).find(({ description }) => description === otherServers)
    if (symbol !== undefined) return Reflect.get(holder, symbol)
  }
  return []
}
