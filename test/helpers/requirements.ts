import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'

/** Where daemons live, which PATH does not always say. */
const systemFolders = ['/usr/sbin', '/usr/local/sbin', '/usr/bin']

/** Named after the Debian packages that bring them. */
const lookups = {
  chromium: () => program('chromium', 'chromium-browser', 'google-chrome'),
  'redis-server': () => program('redis-server'),
  'nats-server': () => program('nats-server'),
  nginx: () => program('nginx'),
  haproxy: () => program('haproxy'),
  'python3-websockets': pythonWithWebsockets,
  // What every Debian has, and other systems have not.
  'util-linux': () => program('setpriv'),
  // What runs a command in a network of its own, which only Linux's superuser can have.
  iproute2: () => spawnSync('unshare', ['--net', 'ip', 'link', 'set', 'lo', 'up'], { stdio: 'ignore' }).status === 0 ? program('unshare') : null
}

export type Requirement = keyof typeof lookups

const found = new Map<Requirement, string | null>()

/** The path of a program that a suite needs, `null` where it is not installed. */
export function requirement (name: Requirement): string | null {
  const known = found.get(name)
  if (known !== undefined) return known
  const path = lookups[name]()
  found.set(name, path)
  return path
}

/**
 * A test that needs programs of the system, given their paths. Where one is missing it fails if `CI` is set, and is
 * otherwise left out loudly: `npm test` repeats the notice and does not count it as passed.
 *
 * @example
 * suiteNeeding(['chromium'], 'the chat in a browser', async (t, { chromium }) => { … })
 */
export function suiteNeeding<const Name extends Requirement> (
  names: readonly Name[],
  title: string,
  body: (t: Test, paths: Record<Name, string>) => Promise<unknown>
): void {
  t.test(title, async t => {
    const paths: Partial<Record<Requirement, string>> = {}
    const missing: string[] = []
    for (const name of names) {
      const path = requirement(name)
      if (path === null) missing.push(name)
      else paths[name] = path
    }
    if (missing.length === 0) return await body(t, paths as Record<Name, string>)

    const notice = `LEFT OUT: ${title} (${missing.join(', ')} not found)`
    process.stderr.write(`${notice}\n`)
    if (process.env.CI) t.fail(notice)
    else t.pass(notice)
  })
}

function program (...names: string[]): string | null {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...systemFolders]
  return names.flatMap(name => folders.map(folder => join(folder, name))).find(isExecutable) ?? null
}

function isExecutable (path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Debian's module belongs to Debian's interpreter: another python3 may come first on PATH. */
function pythonWithWebsockets (): string | null {
  return ['python3', '/usr/bin/python3'].find(python =>
    spawnSync(python, ['-c', 'import websockets'], { stdio: 'ignore' }).status === 0
  ) ?? null
}
