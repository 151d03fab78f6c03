import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import type { Test } from 'tap'
import typedWs from '../../lib/index.ts'
import type { WsPluginOptions } from '../../types/index.ts'
import { versionOptions } from './http-version.ts'
import { RawClient } from './raw-client.ts'

/** A Fastify instance with the plugin, of the version of HTTP that the tests run over, closed when the test ends. */
export async function buildApp (t: Test, options: WsPluginOptions = {}, serverOptions: FastifyServerOptions = {}): Promise<FastifyInstance> {
  const app = Fastify({ ...versionOptions, ...serverOptions })
  t.after(() => {
    RawClient.dropAll()
    return app.close()
  })
  await app.register(typedWs, options)
  return app
}

/** Listens on a free port of the loopback interface. */
export async function listen (app: FastifyInstance): Promise<number> {
  await app.listen({ port: 0, host: '127.0.0.1' })
  return (app.server.address() as AddressInfo).port
}

/** A promise and what settles it. */
export function deferred<Value = void> (): { promise: Promise<Value>, resolve: (value: Value) => void, reject: (error: unknown) => void } {
  let resolve: (value: Value) => void = () => {}
  let reject: (error: unknown) => void = () => {}
  const promise = new Promise<Value>((_resolve, _reject) => { resolve = _resolve; reject = _reject })
  return { promise, resolve, reject }
}

/** Keeps the lines that a logger writes, as objects. */
export function logLines (): { lines: Array<Record<string, unknown>>, stream: { write (line: string): void } } {
  const lines: Array<Record<string, unknown>> = []
  return { lines, stream: { write: line => { lines.push(JSON.parse(line)) } } }
}
