import { readFileSync } from 'node:fs'

/** Of a peer; not all of them export their package.json. */
export function versionOf (name) {
  return JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url), 'utf8')).version
}

export const versionsOf = (...names) => Object.fromEntries(names.map(name => [name, versionOf(name)]))
