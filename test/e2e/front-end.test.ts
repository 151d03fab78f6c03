import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import type { Page } from 'playwright-core'
import { launchBrowser, openWindow } from '../helpers/browser.ts'
import { freePort } from '../helpers/free-port.ts'
import { bound } from '../helpers/processes.ts'
import { RedisServer } from '../helpers/redis-server.ts'
import { suiteNeeding } from '../helpers/requirements.ts'
import { ScratchProject } from '../helpers/scratch-project.ts'
import { Random } from './cluster/random.ts'
import type { FeedRecord } from '../front-end/record.ts'

const restarts = 20
const authors = ['ada', 'grace']

t.setTimeout(240_000)

suiteNeeding(['chromium', 'redis-server'], 'a front-end made with Vite uses the packed client against the packed server', async (t, { chromium }) => {
  const project = ScratchProject.create(t, 'test/front-end', ['fastify', '@fastify/static', '@sinclair/typebox', 'ioredis', 'typescript', 'vite', '@types/node'])

  t.test('it is typed from end to end: what is wrong does not compile', async () => {
    project.runProgram('tsc', ['-p', 'tsconfig.json'])
    project.runProgram('tsc', ['-p', 'tsconfig.server.json'])
  })

  t.test('its bundle has the client, and nothing of the server', async t => {
    project.runProgram('vite', ['build', '--outDir', 'page', '--logLevel', 'error'])
    const assets = join(project.folder, 'page/assets')
    const code = readdirSync(assets).map(file => readFileSync(join(assets, file), 'utf8')).join('')
    t.match(code, 'WS_CLIENT_LOST')
    t.notMatch(code, /fastify|typebox|anyOf/i)
    t.ok(code.length < 16_000, `${code.length} bytes`)
  })

  t.test(`it survives ${restarts} restarts of the server with nothing lost`, async t => {
    const seed = Number(process.env.RESTARTS_SEED ?? Date.now() % 100_000)
    t.comment(`RESTARTS_SEED=${seed}`)
    const random = new Random(seed)
    const redis = await RedisServer.start(t)
    const server = new Server(project, await freePort(), redis.url)
    t.after(() => server.kill())
    await server.start()
    const { window: tabs } = await openWindow(t, await launchBrowser(t, chromium))
    const pages = await Promise.all(authors.map(async author => {
      const page = await tabs.newPage()
      await page.goto(`http://127.0.0.1:${server.port}/?author=${author}`)
      await page.waitForFunction(() => window.feedRecord.joins.length === 1)
      return page
    }))
    for (const page of pages) await page.evaluate(() => window.begin())

    let awaited = 0
    for (let n = 1; n <= restarts; n++) {
      await delay(random.between(50, 500))
      const before = await Promise.all(pages.map(joinsOf))
      await server.kill()
      await delay(random.between(0, 200))
      await server.start()
      // Some of the kills come while a client is still on its way back.
      if (random.next() < 0.7) {
        awaited++
        for (const [index, page] of pages.entries()) await page.waitForFunction(joins => window.feedRecord.joins.length > joins, before[index])
      }
    }

    for (const page of pages) await page.evaluate(() => window.finish())
    const taken = (await recordsOf(pages)).flatMap(({ taken }, index) => taken.map(number => `${authors[index]} ${number}`))
    for (const page of pages) await page.waitForFunction(taken => taken.every(one => window.feedRecord.came.includes(one)), taken)
    const [ada, grace] = await recordsOf(pages)

    t.same([...ada.faults, ...grace.faults], [])
    t.ok(taken.length > restarts * 10, `${taken.length} messages were taken`)
    t.same(ada.came, grace.came, 'both pages got the same, in the same order')
    t.equal(new Set(ada.came).size, ada.came.length, 'nothing came twice')
    for (const { joins } of [ada, grace]) {
      t.ok(awaited > 0 && joins.length > awaited, `${joins.length} joins`)
      t.same(joins.slice(1).filter(({ recovered }) => !recovered), [], 'each resume was whole')
    }
    t.comment(`${taken.length} taken, ${ada.came.length} came, ${ada.joins.length + grace.joins.length - 2} resumes, ${ada.joins.concat(grace.joins).reduce((sum, { replayed }) => sum + replayed, 0)} replayed`)
  })
})

/** The project's server, on one port over all its lives. */
class Server {
  readonly port: number
  readonly #project: ScratchProject
  readonly #redis: string
  #process: ChildProcess | null = null

  constructor (project: ScratchProject, port: number, redis: string) {
    this.#project = project
    this.port = port
    this.#redis = redis
  }

  /** Settles when it listens. */
  async start (): Promise<void> {
    const [command, ...args] = bound(process.execPath)
    const { NODE_OPTIONS, ...env } = process.env
    const child = spawn(command, [...args, 'server/server.js', String(this.port), this.#redis], { cwd: this.#project.folder, env, stdio: ['ignore', 'pipe', 'inherit'] })
    this.#process = child
    const exited = once(child, 'exit').then(([code]) => { throw new Error(`the server ended with ${code} before it listened`) })
    await Promise.race([once(child.stdout, 'data'), exited])
    exited.catch(() => {})
  }

  async kill (): Promise<void> {
    const child = this.#process
    this.#process = null
    if (child === null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }
}

async function recordsOf (pages: readonly Page[]): Promise<FeedRecord[]> {
  return await Promise.all(pages.map(page => page.evaluate(() => window.feedRecord)))
}

async function joinsOf (page: Page): Promise<number> {
  return await page.evaluate(() => window.feedRecord.joins.length)
}
