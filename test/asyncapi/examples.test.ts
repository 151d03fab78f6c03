import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import type { Test } from 'tap'
import asyncapi from '../../lib/asyncapi/index.ts'
import { memoryAdapter } from '../../lib/index.ts'
import { faultsOf } from '../helpers/asyncapi.ts'
import { buildExample } from '../helpers/example.ts'
import { packageRoot } from '../helpers/paths.ts'

/** Every folder with a server; a new example is found here by itself. */
const examples = readdirSync(join(packageRoot, 'examples'), { recursive: true, encoding: 'utf8' })
  .filter(path => /^[^/]+\/server\.ts$/.test(path))
  .map(path => path.replace('/server.ts', ''))
  .sort()

/** Those that start several processes of another server: that server. */
const others: Record<string, (folder: string) => Promise<FastifyInstance>> = {
  async cluster (folder) {
    const { buildBoard } = await import(pathToFileURL(join(folder, 'board.js')).href)
    return await buildBoard({ name: 'amber', adapter: memoryAdapter(), kill () {}, restartRedis () {} })
  },
  async reconnect (folder) {
    const { buildSite } = await import(pathToFileURL(join(folder, 'site.js')).href)
    return await buildSite({ adapter: memoryAdapter(), balance: () => ({ number: 0, total: 0 }), kill () {} })
  }
}

/** The server of an example. */
async function build (t: Test, name: string): Promise<FastifyInstance> {
  const other = others[name]
  if (other === undefined) return buildExample(t, name)
  const app = await other(join(packageRoot, '.build/examples', name))
  t.after(() => app.close())
  return app
}

for (const name of examples) {
  t.test(`AsyncAPI takes the document of ${name}`, async t => {
    const app = await build(t, name)
    if (!app.hasDecorator('asyncapi')) await app.register(asyncapi, { page: false })
    await app.ready()
    t.same(await faultsOf(app.asyncapi()), [])
    t.same(Object.values(app.asyncapi().channels).map(({ address }) => address).sort(), app.wsRoutes.map(({ url }) => url.replaceAll(/:(\w+)/g, '{$1}')).sort())
  })
}
