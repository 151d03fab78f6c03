import type { FastifyServerOptions } from 'fastify'
import type { Test } from 'tap'
import type { OriginOption } from '../../types/index.ts'
import { buildApp, listen } from './app.ts'
import { acceptStatus } from './http-version.ts'
import { RawClient } from './raw-client.ts'
import type { RawRequest } from './raw-client.ts'

/** The status with which a server with the option answers each origin. */
export async function statuses (t: Test, origin: OriginOption | undefined, origins: readonly string[], headers: RawRequest['headers'] = {}, server: FastifyServerOptions = {}): Promise<Record<string, number>> {
  const app = await buildApp(t, { origin }, server)
  app.ws('/', () => {})
  const port = await listen(app)
  const found: Record<string, number> = {}
  for (const one of origins) {
    const client = await RawClient.connect(port)
    client.request('/', { headers: { Host: 'app.example.com', ...headers, Origin: one } })
    found[one] = (await client.reply()).statusCode
  }
  return found
}

/** Each of `allowed` is upgraded and each of `refused` is answered 403. */
export async function decides (t: Test, origin: OriginOption | undefined, allowed: readonly string[], refused: readonly string[], headers?: RawRequest['headers'], server?: FastifyServerOptions): Promise<void> {
  const expected = Object.fromEntries([...allowed.map(one => [one, acceptStatus]), ...refused.map(one => [one, 403])])
  t.same(await statuses(t, origin, [...allowed, ...refused], headers, server), expected)
}
