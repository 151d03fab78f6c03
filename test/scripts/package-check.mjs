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

try {
  const tarball = pack()
  run('publint', binary('publint'), [tarball, '--strict'])
  run('types resolve', binary('attw'), [tarball, '--profile', 'esm-only', '--no-color'])
  install(tarball)
  write('import.mjs', `import Fastify from 'fastify'\nimport typedWs, { plugin } from 'fastify-typed-ws'\n${boot}
    if (typedWs !== plugin) throw new Error('the named export is not the default one')`)
  run('import', process.execPath, ['import.mjs'])
  write('require.cjs', `const Fastify = require('fastify')\nconst typedWs = require('fastify-typed-ws')\n
    async function main () {${boot}}\nmain()`)
  run('require', process.execPath, ['--no-warnings', 'require.cjs'])
  for (const compiler of ['typescript', 'typescript-7']) {
    run(`compile with ${compiler}`, process.execPath, [join(packageRoot, 'node_modules', compiler, 'bin/tsc')])
  }
} catch (error) {
  console.log(`FAILED: ${error.message}`)
  process.exitCode = 1
} finally {
  rmSync(scratch, { recursive: true, force: true })
}

function pack () {
  const output = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', scratch], {
    cwd: packageRoot,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const [{ filename, files, size }] = JSON.parse(output)
  const strangers = files.map(file => file.path).filter(path => !published.test(path))
  if (strangers.length > 0) throw new Error(`files that are not meant to be published: ${strangers.join(', ')}`)
  console.log(`-- packed: ${files.length} files, ${Math.ceil(size / 1024)} KiB`)
  return join(scratch, filename)
}

/** A project with the tarball, its dependencies from the registry, and the peers of the versions tested here. */
function install (tarball) {
  const peers = ['fastify', '@sinclair/typebox', '@types/node'].map(name => `${name}@${installedVersion(name)}`)
  write('package.json', JSON.stringify({ private: true, type: 'module' }))
  write('tsconfig.json', JSON.stringify({
    compilerOptions: {
      target: 'ES2023',
      module: 'nodenext',
      types: ['node'],
      strict: true,
      exactOptionalPropertyTypes: false,
      skipLibCheck: false,
      noEmit: true
    },
    files: ['consumer.ts']
  }))
  copyFileSync(join(packageRoot, 'test/package/consumer.ts'), join(scratch, 'consumer.ts'))
  run('install', 'npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error', tarball, ...peers])
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
