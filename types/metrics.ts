import type { OpenMetricsContentType, PrometheusContentType, Registry } from 'prom-client'

/** A register of prom-client, of either format. */
export type MetricsRegister = Registry<PrometheusContentType> | Registry<OpenMetricsContentType>

/** Options of `app.register(wsMetrics, …)`. */
export interface WsMetricsOptions {
  /** Where the metrics go. Default: the global register of prom-client. */
  register?: MetricsRegister
  /** What their names begin with. Default: `'ws_'`. */
  prefix?: string
  /** Upper bounds of `ws_handler_duration_seconds`, rising. Default: twelve from 1 ms to 5 s. */
  buckets?: readonly number[]
  /** Where a route answers what the register has, such as `'/metrics'`. Default: none. */
  endpoint?: string
}
