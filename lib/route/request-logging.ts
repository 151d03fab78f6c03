import type { FastifyInstance, FastifyRequest } from 'fastify'

/** Where Fastify keeps what decides about the lines of requests; older versions have an option alone. */
const controllerName = 'fastify.logController'

interface LogController {
  isLogDisabled (request: FastifyRequest): boolean
}

/** Whether Fastify logs this request when it comes and when it is completed: what `disableRequestLogging` says. */
export function isRequestLogged (instance: FastifyInstance, request: FastifyRequest): boolean {
  const controller = controllerOf(instance)
  return controller === null ? instance.initialConfig.disableRequestLogging !== true : !controller.isLogDisabled(request)
}

function controllerOf (instance: FastifyInstance): LogController | null {
  for (let scope: unknown = instance; typeof scope === 'object' && scope !== null; scope = Object.getPrototypeOf(scope)) {
    const symbol = Object.getOwnPropertySymbols(scope).find(({ description }) => description === controllerName)
    if (symbol !== undefined) return (scope as Record<symbol, LogController>)[symbol]
  }
  return null
}
