import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import type { WsPluginOptions } from '../../types/index.ts'
import { buildApp } from './app.ts'
import { acceptStatus } from './http-version.ts'
import { RawClient } from './raw-client.ts'

/** An application whose clients say who they are: `X-Forwarded-For` for their address, `X-User` for their key. */
export async function limited (t: Test, options: WsPluginOptions): Promise<FastifyInstance> {
  return await buildApp(t, { limitKey: ({ headers }) => headers['x-user'] as string | undefined, ...options }, { trustProxy: true })
}

/** A client. */
export interface Who {
  readonly ip?: string
  readonly user?: string
}

/** What an upgrade is answered with: its status, and the error's code where it is refused. */
export async function knock (port: number, path: string, { ip, user }: Who = {}) {
  const client = await RawClient.connect(port)
  client.request(path, { headers: { 'X-Forwarded-For': ip ?? null, 'X-User': user ?? null } })
  const { statusCode, headers, body } = await client.reply()
  const { code, message } = body === '' ? { code: '', message: '' } : JSON.parse(body) as { code: string, message: string }
  return { client, statusCode, headers, code, message }
}

/** The client, whose upgrade must be accepted. */
export async function enters (t: Test, port: number, path: string, who?: Who): Promise<RawClient> {
  const { client, statusCode } = await knock(port, path, who)
  t.equal(statusCode, acceptStatus, `${JSON.stringify(who)} may enter ${path}`)
  return client
}

/** The upgrade must be answered like this. */
export async function isRefused (t: Test, port: number, path: string, expected: { statusCode: number, code?: string, message?: string }, who?: Who): Promise<void> {
  const { client, ...reply } = await knock(port, path, who)
  t.match(reply, expected, `${JSON.stringify(who)} may not enter ${path}`)
  client.socket.destroy()
}

export const full = { statusCode: 503, code: 'FST_ERR_WS_CONNECTION_LIMIT', message: 'too many connections' }
export const routeFull = { ...full, message: 'too many connections of this route' }
export const tooManyOfIp = { statusCode: 429, code: 'FST_ERR_WS_CLIENT_LIMIT', message: 'too many connections of this address' }
export const tooManyOfKey = { statusCode: 429, code: 'FST_ERR_WS_CLIENT_LIMIT', message: 'too many connections of this key' }
