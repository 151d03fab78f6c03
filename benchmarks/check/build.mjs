// A revision of this repository as files, compiled: in a worktree that goes whatever happens.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

export function compile (folder) {
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'], { cwd: folder, stdio: 'inherit' })
}

/** @returns the folder of the revision, with the dependencies that the working tree has */
export function checkOut (revision) {
  const hash = hashOf(revision)
  const parent = mkdtempSync(join(tmpdir(), 'bench-check-'))
  const folder = join(parent, 'revision')
  // Signals end the process without `finally`; all of them come by here.
  process.once('exit', () => {
    rmSync(parent, { recursive: true, force: true })
    git('worktree', 'prune')
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(128 + constants.signals[signal]))
  git('worktree', 'add', '--detach', folder, hash)
  symlinkSync(realpathSync(join(root, 'node_modules')), join(folder, 'node_modules'))
  compile(folder)
  return { folder, hash }
}

function hashOf (revision) {
  try {
    return git('rev-parse', '--verify', '--end-of-options', `${revision}^{commit}`).trim()
  } catch {
    throw new Error(`there is no revision '${revision}'`)
  }
}

function git (...args) {
  return execFileSync('git', ['-C', root, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}
