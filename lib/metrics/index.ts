import { plugin } from './plugin.ts'

export { plugin as default, plugin, plugin as 'module.exports' }
export type { MetricsRegister, WsMetricsOptions } from '../../types/metrics.ts'
