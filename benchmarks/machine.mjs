import { execFileSync } from 'node:child_process'
import { availableParallelism, cpus, release, totalmem } from 'node:os'
import { isPinned } from './contenders.mjs'

/** What a figure can't be read without. */
export function machine () {
  return { cpu: cpus()[0].model, cores: availableParallelism(), memoryGiB: Math.round(totalmem() / 2 ** 30), kernel: release(), pinned: isPinned }
}

/** The commit of a checkout, with `-dirty` where files differ from it; null where it is none. */
export function revisionOf (directory) {
  const git = (...args) => execFileSync('git', ['-C', directory, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  try {
    return git('rev-parse', 'HEAD') + (git('status', '--porcelain', '--untracked-files=no') === '' ? '' : '-dirty')
  } catch {
    return null
  }
}
