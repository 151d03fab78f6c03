import fp from 'fastify-plugin'
import type { FastifyInstance, FastifySchema } from 'fastify'
import type { MetricsRegister, WsMetricsOptions } from '../../types/metrics.ts'
import { FST_ERR_WS_METRICS } from '../errors.ts'
import { eventLoopUtilization } from './event-loop.ts'
import { HandlerDuration } from './handler-duration.ts'
import { resolveMetricsOptions } from './options.ts'
import { statsMetrics } from './stats-metrics.ts'

async function registerMetrics (instance: FastifyInstance, options: WsMetricsOptions): Promise<void> {
  if (!instance.hasDecorator('wsStats')) throw new FST_ERR_WS_METRICS('register fastify-typed-ws before them')
  const { register, prefix, buckets, endpoint } = resolveMetricsOptions(options)

  const durationName = `${prefix}handler_duration_seconds`
  const handlers = new HandlerDuration(durationName, buckets, instance.server)
  const loopName = `${prefix}event_loop_utilization`
  const withdraw = enter(register, new Map<string, AnyMetric>([
    ...statsMetrics(prefix, () => instance.wsStats()),
    [durationName, handlers.metric],
    [loopName, eventLoopUtilization(loopName)]
  ]))
  handlers.start()
  instance.addHook('onClose', async () => {
    handlers.stop()
    withdraw()
  })

  if (endpoint !== null) {
    // As @fastify/swagger reads it: scraping is no part of an API.
    const schema: FastifySchema & { hide: true } = { hide: true }
    instance.get(endpoint, { schema, logLevel: 'warn' }, async (_request, reply) => {
      const text = await register.metrics()
      return reply.type(register.contentType).send(text)
    })
  }
}

/** What `registerMetric` takes. */
type AnyMetric = Parameters<MetricsRegister['registerMetric']>[0]

/**
 * Puts all metrics into the register, or none.
 *
 * @param metrics by name: a register in the OpenMetrics format changes the names that they have themselves
 * @returns takes them out again
 * @throws FST_ERR_WS_METRICS
 */
function enter (register: MetricsRegister, metrics: ReadonlyMap<string, AnyMetric>): () => void {
  for (const name of metrics.keys()) {
    if (register.getSingleMetric(name) !== undefined) {
      throw new FST_ERR_WS_METRICS(`the register has ${name} already; give each server a register or a prefix of its own`)
    }
  }
  for (const metric of metrics.values()) register.registerMetric(metric)
  return () => {
    for (const [name, metric] of metrics) {
      // Somebody may have cleared the register, and filled it with others.
      if (register.getSingleMetric(name) === metric) register.removeSingleMetric(name)
    }
  }
}

/**
 * The figures of a server as Prometheus metrics, in a register of prom-client: `app.register(wsMetrics, options)`, after fastify-typed-ws.
 *
 * @throws FST_ERR_WS_METRICS, FST_ERR_WS_OPTION
 */
export const plugin = fp(registerMetrics, { fastify: '5.x', name: 'fastify-typed-ws-metrics' })
