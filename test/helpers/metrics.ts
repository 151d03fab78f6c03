import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { FastifyInstance } from 'fastify'
import { Registry } from 'prom-client'
import type { Test } from 'tap'
import wsMetrics from '../../lib/metrics/index.ts'
import type { WsMetricsOptions } from '../../lib/metrics/index.ts'
import type { WsCloseEvent, WsPluginOptions } from '../../types/index.ts'
import { buildApp } from './app.ts'
import { Exposition } from './exposition.ts'

/** An app with the plugin and its metrics, in a register of its own and at `/metrics`. */
export async function buildMeasuredApp (t: Test, options: WsMetricsOptions = {}, plugin: WsPluginOptions = {}): Promise<FastifyInstance> {
  const app = await buildApp(t, { heartbeat: false, ...plugin })
  await app.register(wsMetrics, { register: new Registry(), endpoint: '/metrics', ...options })
  return app
}

/** What a server that listens answers, as Prometheus asks it. */
export async function scrape (port: number, path = '/metrics'): Promise<Exposition> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`)
  if (response.status !== 200) throw new Error(`expected 200, got ${response.status}`)
  return new Exposition(await response.text())
}

/** Settles when so many connections of an app have ended, and are counted. */
export function closes (t: Test, app: FastifyInstance, count: number): Promise<void> {
  return new Promise(resolve => {
    let rest = count
    const listener = (event: unknown): void => {
      if ((event as WsCloseEvent).instance.server === app.server && --rest === 0) resolve()
    }
    subscribe('fastify-typed-ws:close', listener)
    t.after(() => unsubscribe('fastify-typed-ws:close', listener))
  })
}
