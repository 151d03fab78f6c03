import type { FastifyInstance, FastifyRequest } from 'fastify'

/** Where Fastify keeps what decides about the lines of requests; older versions have an option alone. */
const controllerName = 'fastify.logController'

interface LogController {
  isLogDisabled (request: FastifyRequest): boolean
}

/** Tells whether Fastify logs a request when it comes and when it is completed: what `disableRequestLogging` says. */
export function requestLogging (instance: FastifyInstance): (request: FastifyRequest) => boolean {
  const controller = controllerOf(instance)
  if (controller !== null) return request => !controller.isLogDisabled(request)
  const isLogged = instance.initialConfig.disableRequestLogging !== true
  return () => isLogged
}

function controllerOf (instance: FastifyInstance): LogController | null {
  for (let scope: unknown = instance; typeof scope === 'object' && scope !== null; scope = Object.getPrototypeOf(scope)) {
    const symbol = Object.getOwnPropertySymbols(scope).find(({ description }) => description === controllerName)
    if (symbol !== undefined) return (scope as Record<symbol, LogController>)[symbol]
  }
  return null
}
