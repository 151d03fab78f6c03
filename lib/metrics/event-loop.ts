import { performance } from 'node:perf_hooks'
import { Gauge } from 'prom-client'

/** The share of its time that the event loop was busy, since the last scrape. */
export function eventLoopUtilization (name: string): Gauge {
  let last = performance.eventLoopUtilization()
  const gauge: Gauge = new Gauge({
    name,
    help: 'Share of its time that the event loop was busy since the last scrape, 0 to 1.',
    registers: [],
    // Of the processes of a cluster, where prom-client adds them up.
    aggregator: 'average',
    collect () {
      const now = performance.eventLoopUtilization()
      gauge.set(performance.eventLoopUtilization(now, last).utilization)
      last = now
    }
  })
  return gauge
}
