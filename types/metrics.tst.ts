// The metrics: options, and what passes for a register.
import Fastify from 'fastify'
import { Registry } from 'prom-client'
import type { OpenMetricsContentType } from 'prom-client'
import wsMetrics from '../lib/metrics/index.ts'
import type { WsMetricsOptions } from '../lib/metrics/index.ts'

const app = Fastify()

await app.register(wsMetrics)
await app.register(wsMetrics, { register: new Registry(), prefix: 'chat_', buckets: [0.01, 0.1, 1] as const, endpoint: '/metrics' })
await app.register(wsMetrics, { register: new Registry<OpenMetricsContentType>() })

// @ts-expect-error a register is one of prom-client
const noRegister: WsMetricsOptions = { register: {} }
// @ts-expect-error no such option
const noOption: WsMetricsOptions = { path: '/metrics' }
// @ts-expect-error a list
const noBuckets: WsMetricsOptions = { buckets: 5 }
