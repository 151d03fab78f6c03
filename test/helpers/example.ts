import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import { packageRoot } from './paths.ts'

export interface RunningExample {
  /** Such as `http://127.0.0.1:40123`. */
  readonly url: string
  readonly port: number
  /** Ends it; settles with its exit code, `null` where a signal had to end it. */
  stop (signal?: 'SIGTERM' | 'SIGINT'): Promise<number | null>
}

/** What `npm run example` runs, once all is compiled. */
export const starter = join(packageRoot, '.build/examples/support/start.js')

/** An example as a process of its own, as a reader starts it: without what the test runner loads into Node. Ended with the test. */
export async function startExample (t: Test, name: string, { port = 0 } = {}): Promise<RunningExample> {
  pathOf(name)
  const { NODE_OPTIONS, ...env } = process.env
  const child = spawn(process.execPath, [starter, name], {
    env: { ...env, HOST: '127.0.0.1', PORT: String(port) },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const exited = new Promise<number | null>(resolve => { child.once('exit', resolve) })
  const end = (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal)
    return exited
  }
  // At once: clients that a test left open are not waited for.
  t.after(() => end('SIGKILL'))

  // Some write their log there, too.
  const listening = new Promise<string>(resolve => {
    createInterface(child.stdout).on('line', line => { if (line.startsWith('Listening on ')) resolve(line) })
  })
  const line = await Promise.race([
    listening,
    exited.then(code => { throw new Error(`${name} ended with ${code} before it listened`) })
  ])
  const url = line.replace('Listening on ', '')
  return { url, port: Number(new URL(url).port), stop: (signal = 'SIGTERM') => end(signal) }
}

/** The server of an example in this process, on a free port: much faster than one of its own. */
export async function listenExample (t: Test, name: string): Promise<{ app: FastifyInstance, url: string, port: number }> {
  const app = await buildExample(t, name)
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  return { app, url, port: Number(new URL(url).port) }
}

/** What an example exports: its server, not listening yet. */
export async function buildExample (t: Test, name: string, ...options: unknown[]): Promise<FastifyInstance> {
  const { build }: { build: (...options: unknown[]) => Promise<FastifyInstance> } = await import(pathToFileURL(pathOf(name)).href)
  const app = await build(...options)
  t.after(() => app.close())
  return app
}

function pathOf (name: string): string {
  const path = join(packageRoot, '.build/examples', name, 'server.js')
  if (!existsSync(path)) throw new Error(`${path} is missing: npm run build && npm run compile:examples`)
  return path
}
