// The servers that are measured, and how a scenario's processes are started: the server on one core, its load on another.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Child } from './common.mjs'

export const serverNames = ['net', 'ws', 'fastify-websocket', 'socket.io', 'uwebsockets', 'fastify-typed-ws']

const root = fileURLToPath(new URL('..', import.meta.url))

export const isPinned = availableParallelism() > 1 && spawnSync('taskset', ['--version']).error === undefined
const core = number => isPinned ? number : null

/**
 * A server by its name, or one build of the plugin: `{ name: 'fastify-typed-ws', label: 'HEAD', plugin: '/path' }`.
 *
 * @throws where there is none of that name, or the plugin is not built
 */
export function contenderOf (server, plugin = root) {
  const { name, label = name, ...more } = typeof server === 'string' ? { name: server } : server
  if (!serverNames.includes(name)) throw new Error(`no server '${name}'; there are ${serverNames.join(', ')}`)
  if (name === 'fastify-typed-ws' && !existsSync(join(plugin, 'dist/lib/index.js'))) throw new Error(`${plugin} holds no built plugin: npm run build`)
  return { name, label, plugin, ...more }
}

/** A server and its load, both ready; the load has opened nothing yet. */
export async function startPair ({ name, plugin }, scenario, nodeOptions = []) {
  const server = await Child.start(new URL(`servers/${name}.mjs`, import.meta.url), [JSON.stringify({ ...scenario, plugin })], nodeOptions, core(0))
  const { port, version } = server.ready
  const load = await Child.start(new URL('load/process.mjs', import.meta.url), [JSON.stringify({ ...scenario, server: name, port })], [], core(1))
  return {
    server,
    load,
    version,
    async stop () {
      await load.stop()
      await server.stop()
    }
  }
}
