import { existsSync, readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fastifyStatic from '@fastify/static'
import type { SetHeadersResponse } from '@fastify/static'
import type { FastifyInstance } from 'fastify'

/** Scripts, styles and sockets of this server only, nothing inline: text of users can never become code. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'"
].join('; ')

const headers = {
  'Content-Security-Policy': contentSecurityPolicy,
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff'
}

/**
 * Serves the files of `examples/<name>/public`, those that the small pages share, at `/client/index.js` the client of this package, as a bundler would bring
 * it from `fastify-typed-ws/client`, and below `/source/` the server's own code, to be read.
 */
export async function servePages (app: FastifyInstance, name: string): Promise<void> {
  const root = packageRoot(dirname(fileURLToPath(import.meta.url)))
  const examples = join(root, 'examples')
  await app.register(fastifyStatic, { root: [join(examples, name, 'public'), join(examples, 'support', 'public')], setHeaders })
  await app.register(fastifyStatic, { root: join(root, 'dist/lib/client'), prefix: '/client/', decorateReply: false, setHeaders })
  // For .ts, all tables of media types name a video.
  for (const file of readdirSync(join(examples, name)).filter(file => file.endsWith('.ts'))) {
    app.get(`/source/${file}`, async (_request, reply) => {
      return reply.headers(headers).type('text/plain; charset=utf-8').send(await readFile(join(examples, name, file)))
    })
  }
}

/** What every file of a page is served with. */
export function setHeaders (response: SetHeadersResponse): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
}

/** The servers are compiled to .build/, their pages stay where they are: both lie below package.json. */
export function packageRoot (folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : packageRoot(dirname(folder))
}
