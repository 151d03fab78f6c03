import { realpathSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'

export interface ProgramOptions {
  /** Unless LOG_LEVEL says so. Default: `'warn'`. */
  readonly logLevel?: string
  /** What SIGTERM and SIGINT do. Default: `app.close()`. */
  readonly endOnSignal?: (app: FastifyInstance) => void
}

/**
 * Serves an example when its module was started as a program, and does nothing when it was imported.
 * PORT, HOST and LOG_LEVEL come from the environment; SIGTERM and SIGINT end it cleanly.
 *
 * @param module `import.meta.url` of the example
 */
export async function runAsProgram (
  module: string,
  build: (options: FastifyServerOptions) => Promise<FastifyInstance>,
  { logLevel = 'warn', endOnSignal = closeOnSignal }: ProgramOptions = {}
): Promise<void> {
  const { argv, env } = process
  if (argv[1] === undefined || realpathSync(argv[1]) !== fileURLToPath(module)) return

  const app = await build({
    logger: { level: env.LOG_LEVEL ?? logLevel },
    // Browsers open connections ahead of their requests; these must not keep the process alive.
    forceCloseConnections: true
  })
  endOnSignal(app)

  const host = env.HOST ?? 'localhost'
  await app.listen({ host, port: Number(env.PORT ?? 3000) })
  const { port } = app.server.address() as AddressInfo
  console.log(`Listening on http://${host.includes(':') ? `[${host}]` : host}:${port}`)
}

function closeOnSignal (app: FastifyInstance): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => { void app.close() })
}
