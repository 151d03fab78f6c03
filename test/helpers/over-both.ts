import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import t from 'tap'
import type { Test } from 'tap'
import type { WsPluginOptions } from '../../types/index.ts'
import { buildApp } from './app.ts'

type Build = (options?: WsPluginOptions, serverOptions?: FastifyServerOptions) => Promise<FastifyInstance>

/** One test of each version of HTTP; `build` makes an app that speaks it. */
export function overBoth (title: string, test: (t: Test, build: Build, isHttp2: boolean) => Promise<void>): void {
  for (const isHttp2 of [false, true]) {
    t.test(`${title} (HTTP/${isHttp2 ? 2 : 1.1})`, t => test(t, (options, serverOptions) => buildApp(t, options, { ...serverOptions, ...(isHttp2 ? { http2: true } : {}) } as object), isHttp2))
  }
}
