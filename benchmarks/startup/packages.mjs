// What a package weighs, and what comes with it beside fastify, as npm would install it.
import { execFileSync } from 'node:child_process'
import { existsSync, lstatSync, readFileSync, readdirSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** @param folders - where the packages lie; fastify's own dependencies count for none of them */
export function packagesOf (folders) {
  return folders.map(folder => {
    const { name, version, size, unpackedSize } = pack(folder)
    const fastify = find('fastify', folder)
    const there = fastify === undefined ? new Set() : closure(fastify, new Set([fastify]))
    const brought = closure(folder, new Set(there))
    const isNew = path => !there.has(path) && path !== folder
    const dependencies = [...brought].filter(isNew)
    return { name, version, packed: size, unpacked: unpackedSize, brings: dependencies.length, installed: unpackedSize + sum(dependencies.map(diskSize)) }
  })
}

/** What the registry would hold. */
function pack (folder) {
  const [packed] = JSON.parse(execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts', folder], { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
  return packed
}

/** Adds the folders of all dependencies, and of theirs. Peers are the application's own. */
function closure (folder, found) {
  for (const name of Object.keys(manifest(folder).dependencies ?? {})) {
    const dependency = find(name, folder)
    if (dependency === undefined) throw new Error(`${name}, which ${folder} needs, is not installed`)
    if (found.has(dependency)) continue
    found.add(dependency)
    closure(dependency, found)
  }
  return found
}

/** As Node looks a package up. */
function find (name, from) {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name)
    if (existsSync(join(candidate, 'package.json'))) return realpathSync(candidate)
    if (folder === dirname(folder)) return undefined
  }
}

function diskSize (folder) {
  return sum(readdirSync(folder, { withFileTypes: true }).filter(({ name }) => name !== 'node_modules').map(entry => {
    const path = join(folder, entry.name)
    return entry.isDirectory() ? diskSize(path) : lstatSync(path).size
  }))
}

const manifest = folder => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
const sum = values => values.reduce((total, value) => total + value, 0)
