// The tests of connections, a second time: over HTTP/2. What differs between the versions is in helpers/http-version.ts.
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const root = new URL('./', import.meta.url)

/** Where tests of connections are. Those of brokers are about what is behind the rooms, those of metrics about what is scraped. */
const folders = ['connection', 'messages', 'rooms', 'rooms/cluster', 'rooms/history', 'route']

/** What is not run again: tests of HTTP/1.1 alone, by what they are about, and those that see to the version themselves. */
const leftOut: Readonly<Record<string, string>> = {
  'route/handshake-hook': 'the upgrade request as bytes',
  'route/hostile-handshakes': 'the upgrade request as bytes',
  'route/hostile-headers': 'the upgrade request as bytes',
  'route/hostile-names': 'the upgrade request as bytes',
  'route/hostile-secrets': 'the upgrade request as bytes',
  'route/inject': 'both versions, by itself',
  'route/other-protocols': 'the Upgrade header, and what else it may ask for',
  'route/route': 'the replies to upgrades, header by header',
  'route/slow-handshakes': 'the upgrade request as bytes',
  'route/upgrade': 'the upgrade of HTTP/1.1'
}

/** A test of connections has a server: it imports one of these, or what does. */
const servers = /\bhelpers\/(?:app|raw-client)\.js'/

const imports = /from '(\.{1,2}\/[^']+\.js)'|from "(\.{1,2}\/[^"]+\.js)"/g

/** Whether a module, or one of the tests' own that it imports, has a server. */
function hasServer (url: URL, seen = new Set<string>()): boolean {
  if (seen.has(url.href)) return false
  seen.add(url.href)
  const found = [...readFileSync(url, 'utf8').matchAll(imports)].map(match => new URL(match[1] ?? match[2], url))
  return found.some(imported => servers.test(`${imported.pathname}'`) || (imported.href.startsWith(root.href) && hasServer(imported, seen)))
}

const files = folders.flatMap(folder => readdirSync(new URL(folder, root))
  .filter(file => file.endsWith('.test.js'))
  .map(file => `${folder}/${file.slice(0, -'.test.js'.length)}`))
/** Those of the opening handshake over HTTP/2 are about nothing else. */
const connected = files.filter(name => !name.startsWith('route/extended-connect') && hasServer(new URL(`${name}.test.js`, root)))

t.test('what is left out exists, and would be of the run', async t => {
  for (const name of Object.keys(leftOut)) t.ok(connected.includes(name), name)
})

t.jobs = 2
t.setTimeout(300_000)
for (const name of connected) {
  if (name in leftOut) continue
  void t.spawn(process.execPath, ['--enable-source-maps', fileURLToPath(new URL(`${name}.test.js`, root))], {
    env: { ...process.env, TEST_HTTP: '2' }
  }, `${name}.test.ts over HTTP/2`)
}
