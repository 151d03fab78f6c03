// The package as its users get it: packed, linted, installed elsewhere, imported, required and compiled against.
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const packageRoot = fileURLToPath(new URL('../..', import.meta.url))
const scratch = mkdtempSync(join(tmpdir(), 'fastify-typed-ws-'))

const published = /^(?:dist\/(?:lib|types)\/.+\.(?:js|js\.map|d\.ts)|package\.json|README\.md|LICENSE|CHANGELOG\.md)$/

const boot = `
  const app = Fastify()
  await app.register(typedWs)
  await app.ready()
  if (typeof app.ws !== 'function') throw new Error('app.ws is missing')
  await app.close()
`

const useCluster = `
  carryRooms().stop()
  if (typeof clusterAdapter().publish !== 'function') throw new Error('the adapter is none')
`

const bootMetrics = `
  const app = Fastify()
  await app.register(typedWs)
  await app.register(wsMetrics, { endpoint: '/metrics' })
  const { body } = await app.inject('/metrics')
  if (!body.includes('ws_connections_closed_total')) throw new Error('the metrics are missing')
  await app.close()
`

const bootAsyncApi = `
  const app = Fastify()
  await app.register(typedWs)
  await app.register(asyncapi, { page: false })
  app.ws('/chat', () => {})
  const document = (await app.inject('/asyncapi/json')).json()
  if (document.channels.chat.address !== '/chat') throw new Error('the route is missing')
  if ((await app.inject('/asyncapi/yaml')).statusCode !== yaml) throw new Error('YAML is there, or missing')
  await app.close()
`

try {
  const tarball = pack()
  run('publint', binary('publint'), [tarball, '--strict'])
  run('types resolve', binary('attw'), [tarball, '--profile', 'esm-only', '--no-color'])
  install(tarball)
  write('import.mjs', `import Fastify from 'fastify'\nimport typedWs, { plugin } from 'fastify-typed-ws'\n${boot}
    if (typedWs !== plugin) throw new Error('the named export is not the default one')`)
  run('import', process.execPath, ['import.mjs'])
  write('require.cjs', `const Fastify = require('fastify')\nconst typedWs = require('fastify-typed-ws')\n
    const { plugin, default: otherwise, memoryAdapter, MemoryHub } = typedWs
    if (plugin !== typedWs || otherwise !== typedWs) throw new Error('the named export is not the default one')
    if (typeof memoryAdapter(new MemoryHub()).publish !== 'function') throw new Error('the adapter is none')
    async function main () {${boot}}\nmain()`)
  run('require', process.execPath, ['--no-warnings', 'require.cjs'])
  write('cluster.mjs', `import { carryRooms, clusterAdapter } from 'fastify-typed-ws/cluster'\n${useCluster}`)
  run('import cluster', process.execPath, ['cluster.mjs'])
  write('cluster.cjs', `const { carryRooms, clusterAdapter } = require('fastify-typed-ws/cluster')\n${useCluster}`)
  run('require cluster', process.execPath, ['--no-warnings', 'cluster.cjs'])
  compile('consumer.ts')
  compile('consumer.ts', { exactOptionalPropertyTypes: true }, ['typescript-7'])
  checkAsyncApi()
  checkPages()
  checkClient()
  checkMetrics()
  checkNats()
  checkRedis()
} catch (error) {
  console.log(`FAILED: ${error.message}`)
  process.exitCode = 1
} finally {
  rmSync(scratch, { recursive: true, force: true })
}

/** yaml is an optional peer: without it the document is there all the same, and who asks for YAML is told what is missing. */
function checkAsyncApi () {
  const imports = "import Fastify from 'fastify'\nimport typedWs from 'fastify-typed-ws'\nimport asyncapi, { plugin } from 'fastify-typed-ws/asyncapi'\n"
  write('asyncapi-alone.mjs', `${imports}const yaml = 404\n${bootAsyncApi}
    if (asyncapi !== plugin) throw new Error('the named export is not the default one')
    const other = Fastify()
    await other.register(typedWs)
    const error = await (async () => { await other.register(asyncapi, { page: false, yaml: true }) })().then(() => null, error => error)
    if (error?.code !== 'FST_ERR_WS_ASYNCAPI' || !error.message.includes('package yaml')) throw new Error('yaml is not missed', { cause: error })`)
  run('asyncapi without yaml', process.execPath, ['asyncapi-alone.mjs'])
  add([peer('yaml')])
  write('asyncapi.mjs', `${imports}const yaml = 200\n${bootAsyncApi}`)
  run('import asyncapi', process.execPath, ['asyncapi.mjs'])
  write('asyncapi.cjs', `const Fastify = require('fastify')\nconst typedWs = require('fastify-typed-ws')\nconst asyncapi = require('fastify-typed-ws/asyncapi')\nconst yaml = 200\n
    if (asyncapi.plugin !== asyncapi) throw new Error('the named export is not the default one')
    async function main () {${bootAsyncApi}}\nmain()`)
  run('require asyncapi', process.execPath, ['--no-warnings', 'asyncapi.cjs'])
  compile('asyncapi-consumer.ts')
}

/** In a front-end: a project without Node's types, whose code names no server. */
function checkClient () {
  const use = `
    if (typeof connect !== 'function' || !(new WsClientError('A', 'b') instanceof Error)) throw new Error('the client is none')
    if (defineContract(defineContract).name !== 'defineContract') throw new Error('a contract is what it was')`
  write('client.mjs', `import { connect, defineContract, WsClientError } from 'fastify-typed-ws/client'\n${use}`)
  run('import client', process.execPath, ['client.mjs'])
  write('client.cjs', `const { connect, defineContract, WsClientError } = require('fastify-typed-ws/client')\n${use}`)
  run('require client', process.execPath, ['--no-warnings', 'client.cjs'])
  compile('client-consumer.ts', { lib: ['ES2022', 'DOM'], types: [], target: 'ES2022', module: 'esnext', moduleResolution: 'bundler' })
}

/** prom-client is an optional peer: nothing else needs it, and without it the entry says what is missing. */
function checkMetrics () {
  write('absent.mjs', `
    const error = await import('fastify-typed-ws/metrics').then(() => null, error => error)
    if (error?.code !== 'ERR_MODULE_NOT_FOUND' || !error.message.includes("'prom-client'")) throw new Error('prom-client is not missed', { cause: error })`)
  run('metrics without prom-client', process.execPath, ['absent.mjs'])
  add([peer('prom-client')])
  write('metrics.mjs', `import Fastify from 'fastify'\nimport typedWs from 'fastify-typed-ws'\nimport wsMetrics, { plugin } from 'fastify-typed-ws/metrics'\n${bootMetrics}
    if (wsMetrics !== plugin) throw new Error('the named export is not the default one')`)
  run('import metrics', process.execPath, ['metrics.mjs'])
  write('metrics.cjs', `const Fastify = require('fastify')\nconst typedWs = require('fastify-typed-ws')\nconst wsMetrics = require('fastify-typed-ws/metrics')\n
    if (wsMetrics.plugin !== wsMetrics) throw new Error('the named export is not the default one')
    async function main () {${bootMetrics}}\nmain()`)
  run('require metrics', process.execPath, ['--no-warnings', 'metrics.cjs'])
  compile('metrics-consumer.ts')
}

/** The renderer is an optional peer: without it the page says what is missing, and the rest is there, with the scripts of the form. */
function checkPages () {
  write('pages.mjs', `import Fastify from 'fastify'\nimport typedWs from 'fastify-typed-ws'\nimport asyncapi, { plugin } from 'fastify-typed-ws/asyncapi'\n
    if (asyncapi !== plugin) throw new Error('the named export is not the default one')
    const build = async options => {
      const app = Fastify()
      await app.register(typedWs)
      await app.register(asyncapi, options)
      return app
    }
    const error = await build({}).then(() => null, error => error)
    if (error?.code !== 'FST_ERR_WS_ASYNCAPI' || !error.message.includes('@asyncapi/react-component')) throw new Error('the renderer is not missed', { cause: error })
    const app = await build({ page: false, tryIt: true })
    const { body } = await app.inject('/asyncapi/try')
    for (const [, url] of body.matchAll(/="\\.\\/(assets[^"]+)"/g)) {
      const { statusCode } = await app.inject('/asyncapi/' + url)
      if (statusCode !== 200) throw new Error(url + ' is missing')
    }
    if ((await app.inject('/asyncapi/assets/v/client/index.js')).statusCode !== 200) throw new Error('the client is missing')
    await app.close()`)
  run('asyncapi without the renderer', process.execPath, ['pages.mjs'])
}

/** The adapter is given its connection: it loads, and complains, where the library is not installed. */
function checkNats () {
  write('nats.mjs', `import { natsAdapter } from 'fastify-typed-ws/nats'\n
    try { natsAdapter({}) } catch (error) { if (error.code !== 'FST_ERR_WS_OPTION') throw error }`)
  run('import nats', process.execPath, ['nats.mjs'])
  write('nats.cjs', 'const { natsAdapter } = require(\'fastify-typed-ws/nats\')\nif (typeof natsAdapter !== \'function\') throw new Error(\'natsAdapter is missing\')')
  run('require nats', process.execPath, ['--no-warnings', 'nats.cjs'])
  add(['@nats-io/transport-node', '@nats-io/jetstream'].map(peer))
  compile('nats-consumer.ts')
}

/** Neither library is needed to load it, and clients of both are taken. */
function checkRedis () {
  const refuse = `
    let code
    try { redisAdapter({ client: {} }) } catch (error) { code = error.code }
    if (code !== 'FST_ERR_WS_OPTION') throw new Error('an object was taken for a client')`
  write('redis.mjs', `import { redisAdapter } from 'fastify-typed-ws/redis'\n${refuse}`)
  run('import redis', process.execPath, ['redis.mjs'])
  write('redis.cjs', `const { redisAdapter } = require('fastify-typed-ws/redis')\n${refuse}`)
  run('require redis', process.execPath, ['--no-warnings', 'redis.cjs'])
  add(['ioredis', 'redis'].map(peer))
  compile('redis-consumer.ts')
}

function pack () {
  const output = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', scratch], {
    cwd: packageRoot,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const [{ filename, files, size }] = JSON.parse(output)
  const strangers = files.map(file => file.path).filter(path => !published.test(path))
  const missing = entryFiles().filter(path => !files.some(file => file.path === path))
  if (missing.length > 0) throw new Error(`files that package.json exports and the package lacks: ${missing.join(', ')}`)
  if (strangers.length > 0) throw new Error(`files that are not meant to be published: ${strangers.join(', ')}`)
  console.log(`-- packed: ${files.length} files, ${Math.ceil(size / 1024)} KiB`)
  return join(scratch, filename)
}

/** The files that `exports` of package.json names, as npm lists them. */
function entryFiles () {
  const { exports } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8'))
  return Object.values(exports).flatMap(entry => typeof entry === 'string' ? [entry] : Object.values(entry)).map(path => path.replace('./', ''))
}

/** A project with the tarball, its dependencies from the registry, and the peers of the versions tested here. */
function install (tarball) {
  write('package.json', JSON.stringify({ private: true, type: 'module' }))
  add([tarball, ...['fastify', '@sinclair/typebox', '@types/node'].map(peer)])
}

function add (packages) {
  run('install', 'npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error', ...packages])
}

/** What a user writes, against the types of the package, by both compilers. */
function compile (consumer, options = {}, compilers = ['typescript', 'typescript-7']) {
  write('tsconfig.json', JSON.stringify({
    compilerOptions: {
      target: 'ES2023',
      module: 'nodenext',
      types: ['node'],
      strict: true,
      exactOptionalPropertyTypes: false,
      skipLibCheck: false,
      noEmit: true,
      ...options
    },
    files: [consumer]
  }))
  copyFileSync(join(packageRoot, 'test/package', consumer), join(scratch, consumer))
  for (const compiler of compilers) {
    run(`compile ${consumer} with ${compiler}`, process.execPath, [join(packageRoot, 'node_modules', compiler, 'bin/tsc')])
  }
}

/** A package in the version tested here. */
function peer (name) {
  return `${name}@${installedVersion(name)}`
}

function installedVersion (name) {
  return JSON.parse(readFileSync(join(packageRoot, 'node_modules', name, 'package.json'), 'utf8')).version
}

function binary (name) {
  return join(packageRoot, 'node_modules/.bin', name)
}

function write (name, text) {
  writeFileSync(join(scratch, name), text)
}

function run (title, command, args) {
  console.log(`-- ${title}`)
  execFileSync(command, args, { cwd: scratch, stdio: 'inherit' })
}
