// What users of the metrics write: compiled where prom-client is installed, as the rest is where it is not.
import Fastify from 'fastify'
import type { FastifyPluginAsync } from 'fastify'
import typedWs from 'fastify-typed-ws'
import wsMetrics, { plugin } from 'fastify-typed-ws/metrics'
import type { WsMetricsOptions } from 'fastify-typed-ws/metrics'
import { Registry } from 'prom-client'

const app = Fastify()
await app.register(typedWs)

const options: WsMetricsOptions = { register: new Registry(), prefix: 'chat_', buckets: [0.01, 0.1, 1], endpoint: '/metrics' }
await app.register(wsMetrics, options)
await app.register(plugin)

const same: FastifyPluginAsync<WsMetricsOptions> = wsMetrics
await app.register(same)

// @ts-expect-error a register is one of prom-client
app.register(wsMetrics, { register: new Map() })
