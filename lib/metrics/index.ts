/**
 * Prometheus metrics, by prom-client.
 *
 * @module fastify-typed-ws/metrics
 */
import { plugin } from './plugin.ts'

/** What `require` answers is the plugin itself, with the named export on it. @hidden */
const required = Object.assign(plugin, { plugin })

export { plugin as default, plugin, required as 'module.exports' }
export type { MetricsRegister, WsMetricsOptions } from '../../types/metrics.ts'
