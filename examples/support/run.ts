import { realpathSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'

/** What a program asks of its server, of whichever HTTP version that is. */
export interface ServerOptions {
  readonly logger: { readonly level: string }
  readonly forceCloseConnections: boolean
}

/** What a program needs of its server. */
interface Served {
  readonly server: { address (): AddressInfo | string | null }
  readonly initialConfig: { readonly https?: unknown }
  listen (options: { host: string, port: number }): Promise<string>
  close (): Promise<void>
}

export interface ProgramOptions<App extends Served> {
  /** Unless LOG_LEVEL says so. Default: `'warn'`. */
  readonly logLevel?: string
  /** What SIGTERM and SIGINT do. Default: `app.close()`. */
  readonly endOnSignal?: (app: App) => void
  /** A page beside that at `/`, whose address is told, too. */
  readonly page?: string
}

/**
 * Serves an example when its module was started as a program, and does nothing when it was imported.
 * PORT, HOST and LOG_LEVEL come from the environment; SIGTERM and SIGINT end it cleanly.
 *
 * @param module `import.meta.url` of the example
 */
export async function runAsProgram<App extends Served> (
  module: string,
  build: (options: ServerOptions) => Promise<App>,
  { logLevel = 'warn', endOnSignal = closeOnSignal, page }: ProgramOptions<App> = {}
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
  const scheme = app.initialConfig.https === undefined ? 'http' : 'https'
  const bound = (app.server.address() as AddressInfo).port
  tellAddress(host, bound, scheme)
  if (page !== undefined) console.log(`See also ${scheme}://${authority(host, bound)}${page}`)
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

export function tellAddress (host: string, port: number, scheme = 'http'): void {
  console.log(`Listening on ${scheme}://${authority(host, port)}`)
}

export function authority (host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

function closeOnSignal (app: Served): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => { void app.close() })
}
