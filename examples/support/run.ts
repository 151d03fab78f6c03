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
  if (!isProgram(module)) return

  const app = await build({
    logger: { level: process.env.LOG_LEVEL ?? logLevel },
    // Browsers open connections ahead of their requests; these must not keep the process alive.
    forceCloseConnections: true
  })
  endOnSignal(app)

  const { host, port } = address()
  await app.listen({ host, port })
  tellAddress(host, (app.server.address() as AddressInfo).port)
}

/** Whether a module was started, and not imported. */
export function isProgram (module: string): boolean {
  const [, started] = process.argv
  return started !== undefined && realpathSync(started) === fileURLToPath(module)
}

/** Where the environment says that an example listens. */
export function address (): { host: string, port: number } {
  const { HOST: host = 'localhost', PORT: port = 3000 } = process.env
  return { host, port: Number(port) }
}

export function tellAddress (host: string, port: number): void {
  console.log(`Listening on http://${authority(host, port)}`)
}

export function authority (host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

function closeOnSignal (app: FastifyInstance): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => { void app.close() })
}
