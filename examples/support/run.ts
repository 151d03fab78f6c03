import { realpathSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'

/**
 * Serves an example when its module was started as a program, and does nothing when it was imported.
 * PORT, HOST and LOG_LEVEL come from the environment; SIGTERM and SIGINT end it cleanly.
 *
 * @param module `import.meta.url` of the example
 */
export async function runAsProgram (module: string, build: (options: FastifyServerOptions) => Promise<FastifyInstance>): Promise<void> {
  const { argv, env } = process
  if (argv[1] === undefined || realpathSync(argv[1]) !== fileURLToPath(module)) return

  const app = await build({
    logger: { level: env.LOG_LEVEL ?? 'warn' },
    // Browsers open connections ahead of their requests; these must not keep the process alive.
    forceCloseConnections: true
  })
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => { void app.close() })

  const host = env.HOST ?? 'localhost'
  await app.listen({ host, port: Number(env.PORT ?? 3000) })
  const { port } = app.server.address() as AddressInfo
  console.log(`Listening on http://${host.includes(':') ? `[${host}]` : host}:${port}`)
}
