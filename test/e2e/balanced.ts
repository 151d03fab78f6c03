import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import type { Test } from 'tap'
import type { CloseInfo, Connection, WsPluginOptions } from '../../types/index.ts'
import { buildApp, listen } from '../helpers/app.ts'
import { packageRoot } from '../helpers/paths.ts'
import { Http1Client } from '../helpers/http1-client.ts'
import type { RawClient } from '../helpers/raw-client.ts'
import type { HttpReply } from '../helpers/raw-client.ts'
import { selfSigned } from '../helpers/tls.ts'
import { nginxFiles, nginxProcess, Proxy } from './faults/proxies.ts'
import type { ProxyKind } from './faults/proxies.ts'
import { wsWith } from './peers.ts'
import type { PeerConnection } from './peers.ts'

/** The name under which browsers know the servers. */
export const host = 'example.com'

/** The address from which clients connect: not that of the proxy. */
export const clientAddress = '127.0.0.7'

/** The configuration that docs/operations.md shows. */
export function documented (kind: ProxyKind): string {
  const page = readFileSync(join(packageRoot, 'docs/operations.md'), 'utf8')
  const [, code] = new RegExp(`^\`\`\`${kind}\\n([^]*?)^\`\`\`$`, 'm').exec(page) ?? []
  if (code === undefined) throw new Error(`docs/operations.md has no code block of ${kind}`)
  return code
}

/** What can't be the same on any machine. */
const substitutions: Record<ProxyKind, (folder: string, port: number, upstreams: readonly number[]) => Record<string, string>> = {
  nginx: (folder, port, [one, two]) => ({
    'worker_processes auto;': `worker_processes 2; ${nginxProcess(folder)}`,
    'http {': `http { ${nginxFiles(folder)}`,
    // Without reuseport, one worker might take all the few clients of a test.
    'listen 443 ssl': `listen 127.0.0.1:${port} ssl reuseport`,
    '/etc/ssl/example.com.crt': join(folder, 'cert'),
    '/etc/ssl/example.com.key': join(folder, 'key'),
    '10.0.0.11:3000': `127.0.0.1:${one}`,
    '10.0.0.12:3000': `127.0.0.1:${two}`
  }),
  haproxy: (folder, port, [one, two]) => ({
    // For which there may be too few descriptors here.
    'maxconn 30000': 'maxconn 1000',
    'bind :443': `bind 127.0.0.1:${port}`,
    '/etc/haproxy/example.com.pem': join(folder, 'both'),
    '10.0.0.11:3000': `127.0.0.1:${one}`,
    '10.0.0.12:3000': `127.0.0.1:${two}`
  })
}

/** @throws where the text to be replaced is not there, once */
function substitute (config: string, replacements: Record<string, string>): string {
  for (const [text, replacement] of Object.entries(replacements)) {
    if (config.split(text).length !== 2) throw new Error(`'${text}' is not once in\n${config}`)
    config = config.replace(text, () => replacement)
  }
  return config
}

/** What a request says of whence it came. */
interface Seen {
  readonly ip: string
  readonly host: string
  readonly hostHeader: string | undefined
  readonly protocol: string
}

/** One of the two servers, and what it sees. */
export interface Upstream {
  readonly app: FastifyInstance
  port: number
  readonly connections: Connection[]
  /** What `onClose` was told, in order. */
  readonly ends: CloseInfo[]
  /** The latest upgrade's. */
  readonly seen: () => Seen
  /** What it answered when it was asked whether it is ready. */
  readonly checks: number[]
  /** Whether it says so, when it is. */
  isReady: boolean
}

async function startUpstream (t: Test, options: WsPluginOptions, serverOptions: FastifyServerOptions): Promise<Upstream> {
  const app = await buildApp(t, { codec: 'raw', maxPayload: 2 * 1024 * 1024, ...options }, { trustProxy: '127.0.0.1', ...serverOptions })
  let seen: Seen = { ip: '', host: '', hostHeader: undefined, protocol: '' }
  const upstream: Upstream = { app, port: 0, connections: [], ends: [], checks: [], seen: () => seen, isReady: true }
  app.get('/ready', async (_request, reply) => {
    const { ready, reason } = app.wsReadiness()
    return await reply.code(ready && upstream.isReady ? 200 : 503).send({ reason })
  })
  app.addHook('onResponse', async ({ url }, { statusCode }) => {
    if (url === '/ready') upstream.checks.push(statusCode)
  })
  app.ws('/echo', {
    onOpen: (connection, { ip, host, protocol, headers }) => {
      seen = { ip, host, hostHeader: headers.host, protocol }
      upstream.connections.push(connection)
    },
    onClose: (_connection, info) => { upstream.ends.push(info) }
  }, message => message)
  for (const code of [401, 503]) {
    app.ws(`/refused/${code}`, {
      onRequest: async (_request, reply) => await reply.code(code).send({ error: `refused with ${code}` })
    }, () => {})
  }
  upstream.port = await listen(app)
  return upstream
}

/** Two servers behind a proxy that is configured as the documentation says. */
export class Balanced {
  readonly upstreams: readonly [Upstream, Upstream]
  readonly proxy: Proxy
  readonly #t: Test

  private constructor (t: Test, proxy: Proxy, upstreams: readonly [Upstream, Upstream]) {
    this.#t = t
    this.proxy = proxy
    this.upstreams = upstreams
  }

  /** @param edits what differs from the documentation */
  static async start (
    t: Test, kind: ProxyKind, program: string, options: WsPluginOptions = {}, edits: Record<string, string> = {}, serverOptions: FastifyServerOptions = {}
  ): Promise<Balanced> {
    const upstreams = [await startUpstream(t, options, serverOptions), await startUpstream(t, options, serverOptions)] as const
    const proxy = await Proxy.startWith(t, kind, program, (folder, port) => {
      const { key, cert } = selfSigned()
      writeFileSync(join(folder, 'key'), key)
      writeFileSync(join(folder, 'cert'), cert)
      writeFileSync(join(folder, 'both'), cert + key)
      const replacements = substitutions[kind](folder, port, upstreams.map(({ port }) => port))
      return substitute(documented(kind), { ...edits, ...replacements })
    })
    return new Balanced(t, proxy, upstreams)
  }

  /** A page of ours connects. */
  async open (): Promise<PeerConnection> {
    const page = wsWith({ rejectUnauthorized: false, localAddress: clientAddress, origin: `https://${host}`, headers: { Host: host } })
    return await page.open(`wss://127.0.0.1:${this.proxy.port}/echo`)
  }

  async openMany (count: number): Promise<PeerConnection[]> {
    const clients: PeerConnection[] = []
    while (clients.length < count) clients.push(await this.open())
    return clients
  }

  /** The reply to an upgrade request, through TLS. */
  async request (path: string, headers: Record<string, string> = {}): Promise<{ client: RawClient, reply: HttpReply }> {
    const client = await Http1Client.connectTls(this.proxy.port)
    client.request(path, { headers: { Host: host, Origin: `https://${host}`, ...headers } })
    return { client, reply: await client.reply() }
  }

  async statusOf (headers: Record<string, string>): Promise<number> {
    return (await this.request('/echo', headers)).reply.statusCode
  }

  /** How many connections each has had. */
  get counts (): number[] {
    return this.upstreams.map(({ connections }) => connections.length)
  }

  /** The one that serves the only connection, and its other one. */
  get serving (): Upstream {
    const [one, two] = this.upstreams
    this.#t.equal(one.connections.length + two.connections.length, 1, 'one connection')
    return one.connections.length === 1 ? one : two
  }
}
