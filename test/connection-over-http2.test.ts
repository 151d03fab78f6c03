// The tests of connections, a second time: over HTTP/2. What differs between the versions is in helpers/http-version.ts.
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const root = new URL('./', import.meta.url)

/** Where tests of connections are. Those of nodes, histories and brokers are about what is behind the rooms, those of metrics about what is scraped. */
const folders = ['connection', 'messages', 'rooms', 'route']

/** What is not run again, and why: it is about HTTP/1.1 alone, opens no connection in the end, or sees to the version itself. */
const leftOut: Readonly<Record<string, string>> = {
  'rooms/adapter-link': 'an adapter without clients',
  'rooms/calm-log': 'lines of the log',
  'rooms/memory-adapter': 'what goes between servers',
  'route/compilers': 'messages of injectWS, which is run over both versions',
  'route/describe-route': 'what is told of routes, of either version',
  'route/handshake-hook': 'the upgrade request as bytes',
  'route/hostile-handshakes': 'the upgrade request as bytes',
  'route/hostile-headers': 'the upgrade request as bytes',
  'route/hostile-names': 'the upgrade request as bytes',
  'route/hostile-secrets': 'the upgrade request as bytes',
  'route/http-sockets': 'both versions, by itself',
  'route/inject': 'both versions, by itself',
  'route/inject-handshake': 'both versions, by itself',
  'route/other-protocols': 'the Upgrade header, and what else it may ask for',
  'route/route': 'the replies to upgrades, header by header',
  'route/slow-handshakes': 'the upgrade request as bytes',
  'route/spread': 'moments without clients',
  'route/upgrade': 'the upgrade of HTTP/1.1'
}

/** What a test of connections does, or a helper that it imports. */
const connects = /\bimport \{[^}]*\b(?:buildApp|RawClient)\b[^}]*\}/

/** What a test does that is of HTTP/2 in any case. */
const ofHttp2 = /\bimport \{[^}]*\b(?:buildHttp2App|onHttp2)\b[^}]*\}/

const imported = /from ['"](\.[^'"]+)['"]/g

/** Whether a module of the tests, or one of theirs that it imports, has connections. */
function hasConnections (url: URL): boolean {
  const source = readFileSync(url, 'utf8')
  return connects.test(source) || [...source.matchAll(imported)]
    .map(([, path]) => new URL(path, url))
    .some(module => module.href.startsWith(root.href) && hasConnections(module))
}

const files = folders.flatMap(folder => readdirSync(new URL(folder, root))
  .filter(file => file.endsWith('.test.js'))
  .map(file => `${folder}/${file.slice(0, -'.test.js'.length)}`))
const connected = files.filter(name => {
  const url = new URL(`${name}.test.js`, root)
  return !ofHttp2.test(readFileSync(url, 'utf8')) && hasConnections(url)
})

t.test('what is left out exists, and would be of the run', async t => {
  for (const name of Object.keys(leftOut)) t.ok(connected.includes(name), name)
})

t.jobs = 3
t.setTimeout(300_000)
for (const name of connected) {
  if (name in leftOut) continue
  void t.spawn(process.execPath, ['--enable-source-maps', fileURLToPath(new URL(`${name}.test.js`, root))], {
    env: { ...process.env, TEST_HTTP: '2' },
    buffered: true
  }, `${name}.test.ts over HTTP/2`)
}
