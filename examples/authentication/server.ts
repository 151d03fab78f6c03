import { randomBytes, scryptSync, timingSafeEqual } from 'node:crypto'
import cookie from '@fastify/cookie'
import jwt from '@fastify/jwt'
import { Type } from '@sinclair/typebox'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify from 'fastify'
import type { FastifyInstance, FastifyRequest, FastifyServerOptions } from 'fastify'
import typedWs from 'fastify-typed-ws'
import { servePages } from '../support/pages.ts'
import { runAsProgram } from '../support/run.ts'

interface User { name: string }

declare module '@fastify/jwt' {
  interface FastifyJWT { payload: User, user: User & { exp: number } }
}

const cookieName = 'session'
const sessionLength = 3600

/** A real application has a database here. */
const passwords = new Map([
  ['ada', digestOf('engine')],
  ['grace', digestOf('compiler')]
])

/** A token in a cookie that scripts can't read; every request brings it, the upgrade of a WebSocket too. */
export async function build (options: FastifyServerOptions = {}): Promise<FastifyInstance> {
  const app = Fastify(options).withTypeProvider<TypeBoxTypeProvider>()
  await app.register(cookie)
  // A new secret at each start ends all sessions; a real application keeps one.
  await app.register(jwt, {
    secret: process.env.SESSION_SECRET ?? randomBytes(32),
    sign: { expiresIn: sessionLength },
    cookie: { cookieName, signed: false }
  })
  await app.register(typedWs)
  await servePages(app, 'authentication')

  /**
   * An `onRequest` hook for REST and WebSocket alike: it throws a 401, for a WebSocket before the 101. A WebSocket lasts no longer than
   * its token: it is closed with 4401 then.
   */
  const authenticate = async (request: FastifyRequest): Promise<void> => {
    await request.jwtVerify({ onlyCookie: true })
    request.wsExpiresAt = request.user.exp * 1_000
  }

  app.post('/login', {
    schema: { body: Type.Object({ name: Type.String({ maxLength: 32 }), password: Type.String({ maxLength: 128 }) }) }
  }, async (request, reply) => {
    const { name, password } = request.body
    if (!isRight(name, password)) return await reply.code(401).send({ message: 'wrong name or password' })
    const token = await reply.jwtSign({ name })
    // `secure` wherever the site is served by https.
    const secure = request.protocol === 'https'
    return reply.setCookie(cookieName, token, { path: '/', httpOnly: true, sameSite: 'strict', secure, maxAge: sessionLength }).send({ name })
  })

  app.post('/logout', async (_request, reply) => reply.clearCookie(cookieName, { path: '/' }).code(204).send())

  app.get('/me', { onRequest: authenticate }, async request => ({ name: request.user.name }))

  app.ws('/private', {
    onRequest: authenticate,
    schema: {
      receive: Type.Object({ text: Type.String({ maxLength: 500 }) }),
      send: Type.Object({ user: Type.String(), text: Type.String() })
    },
    onOpen (connection, request) {
      const { name } = request.user
      connection.send({ user: name, text: 'is connected' })
      return { name }
    }
  }, ({ text }, connection) => ({ user: connection.data.name, text }))

  return app
}

function isRight (name: string, password: string): boolean {
  // Unknown names take as long as known ones.
  const expected = passwords.get(name) ?? digestOf('')
  return timingSafeEqual(digestOf(password), expected) && passwords.has(name)
}

function digestOf (password: string): Buffer {
  return scryptSync(password, 'a salt for each user, in a real application', 32)
}

await runAsProgram(import.meta.url, build)
