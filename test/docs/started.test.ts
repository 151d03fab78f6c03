import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import t from 'tap'
import type { Test } from 'tap'
import { launchBrowser, openWindow } from '../helpers/browser.ts'
import { freePort } from '../helpers/free-port.ts'
import { packageRoot } from '../helpers/paths.ts'
import { suiteNeeding } from '../helpers/requirements.ts'
import { blockOf, blocksOf } from './code.ts'

/* docs/getting-started.md as a reader follows it, and README's first screen: from an empty folder, but that packages are linked and the port is free. */

const page = 'docs/getting-started.md'

/** An empty folder, in which the packages of an `npm install` line are linked in place of downloaded. */
function emptyFolder (name: string): string {
  const folder = join(packageRoot, '.build/started', name)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  return folder
}

function install (folder: string, packages: readonly string[]): void {
  for (const name of packages) {
    const link = join(folder, 'node_modules', name)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(name === 'fastify-typed-ws' ? packageRoot : join(packageRoot, 'node_modules', name), link)
  }
}

/** Without what the test runner would load into it. */
const env = { ...process.env, NODE_OPTIONS: '' }

/** Settles when the server of a file listens. It ends with the test. */
async function start (t: Test, folder: string, file: string): Promise<void> {
  const child: ChildProcess = spawn(process.execPath, [file], { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => { child.kill('SIGKILL') })
  if (child.stdout === null) throw new Error('it writes nothing')
  for await (const line of createInterface(child.stdout)) if (line.includes('Server listening at')) return
  throw new Error(`${file} ended`)
}

const onPort = (code: string, port: number): string => code.replaceAll('port: 3000', `port: ${port}`).replaceAll('localhost:3000', `localhost:${port}`)

/** Where the page ends up: its commands are run, its files are there. */
function follow (name: string, port: number): string {
  const folder = emptyFolder(name)
  for (const command of blockOf(page, 'sh').trim().split('\n')) {
    const [program, verb, ...args] = command.split(' ')
    if (program === 'mkdir') continue
    if (verb === 'install') install(folder, args)
    else if (spawnSync(program, [verb, ...args], { cwd: folder, env, stdio: 'ignore' }).status !== 0) throw new Error(`${command} failed`)
  }
  writeFileSync(join(folder, 'server.js'), onPort(blockOf(page, 'ts', 0), port))
  writeFileSync(join(folder, 'server.test.js'), blockOf(page, 'ts', 1))
  return folder
}

t.test('the test of Getting started passes', async t => {
  const folder = follow('hello', 0)
  const { stdout, status } = spawnSync(process.execPath, ['--test'], { cwd: folder, env, encoding: 'utf8', timeout: 30_000 })
  t.equal(status, 0, stdout)
  t.match(stdout, /# pass 1\b|ℹ pass 1\b/)
  t.equal(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).type, 'module')
})

t.test('the server of Getting started runs as CommonJS, as the page has it', async t => {
  const port = await freePort()
  const folder = emptyFolder('commonjs')
  install(folder, ['fastify', 'fastify-typed-ws'])
  const code = blockOf(page, 'js').replace('app.listen({ port: 3000 })', `app.listen({ port: ${port} }).then(url => console.log('Server listening at', url))`)
  writeFileSync(join(folder, 'server.cjs'), code)
  await start(t, folder, 'server.cjs')
  const reply = await fetch(`http://localhost:${port}/echo`)
  t.equal(reply.status, 426)
})

suiteNeeding(['chromium'], 'what the first pages show, in a browser', async (t, { chromium }) => {
  const browser = await launchBrowser(t, chromium)

  t.test('two tabs on the server of Getting started talk to each other', async t => {
    const port = await freePort()
    await start(t, follow('lobby', port), 'server.js')
    const { window, errors } = await openWindow(t, browser)
    const [one, two] = [await window.newPage(), await window.newPage()]
    for (const tab of [one, two]) {
      const connected = tab.waitForEvent('websocket')
      await tab.goto(`http://localhost:${port}/`)
      // Its first message is said when it is open.
      await connected
      await tab.waitForFunction('socket.readyState === 1')
    }
    await one.locator('input').fill('hello')
    await one.locator('button').click()
    for (const tab of [one, two]) {
      await tab.locator('li').waitFor()
      t.match(await tab.locator('li').textContent(), /^\w{1,4}: hello$/)
    }
    await two.locator('button').click()
    await two.locator('li').nth(1).waitFor()
    t.equal(await two.locator('li').nth(1).textContent(), 'undefined: undefined', 'an empty text is answered with an error message')
    t.equal(await one.locator('li').count(), 1)
    t.same(errors.filter(error => !error.includes('404')), [])
  })

  t.test('a page without a bundler gets the client as its page says', async t => {
    const port = await freePort()
    const folder = emptyFolder('unbundled')
    install(folder, ['fastify', 'fastify-typed-ws', '@fastify/static'])
    const [serving] = blocksOf('docs/client.md').filter(({ code }) => code.includes('import.meta.resolve')).map(({ code }) => code)
    const [script] = blocksOf('docs/client.md').filter(({ code }) => code.includes('/client/index.js')).map(({ code }) => code)
    writeFileSync(join(folder, 'server.mjs'), `
      import Fastify from 'fastify'
      import typedWs from 'fastify-typed-ws'
      ${serving.replace(/^await app/m, 'const app = Fastify({ logger: true })\nawait app.register(typedWs)\nawait app')}
      app.ws('/chat', { onOpen: connection => connection.send({ type: 'said', from: 'ada', text: 'hello' }) }, () => {})
      app.get('/', (request, reply) => reply.type('text/html').send('<script type="module" src="page.js"></script>'))
      app.get('/page.js', (request, reply) => reply.type('text/javascript').send(${JSON.stringify(script)}))
      await app.listen({ port: ${port} })
    `)
    await start(t, folder, 'server.mjs')
    const { window } = await openWindow(t, browser)
    const tab = await window.newPage()
    const said = tab.waitForEvent('console', message => message.type() === 'log')
    await tab.goto(`http://localhost:${port}/`)
    t.equal((await said).text(), 'ada: hello')
  })

  t.test('what is typed into the console on README prints what README says', async t => {
    const port = await freePort()
    const folder = emptyFolder('readme')
    install(folder, ['fastify', 'fastify-typed-ws', '@sinclair/typebox'])
    writeFileSync(join(folder, 'server.mjs'), onPort(blockOf('README.md', 'ts'), port))
    await start(t, folder, 'server.mjs')

    const [{ code }] = blocksOf('README.md').filter(({ language }) => language === 'js')
    const expected = code.split('\n').filter(line => line.startsWith('// ')).map(line => line.slice(3))
    t.ok(expected.length > 0)
    const { window } = await openWindow(t, browser)
    const tab = await window.newPage()
    await tab.goto(`http://localhost:${port}/`)
    const printed: string[] = []
    const enough = new Promise<void>(resolve => {
      tab.on('console', message => { if (message.type() === 'log' && printed.push(message.text()) === expected.length) resolve() })
    })
    await tab.addScriptTag({ content: onPort(code, port) })
    await enough
    t.same(printed, expected)
  })
})
