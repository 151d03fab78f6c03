import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { packageRoot } from './paths.ts'

/** A project elsewhere that has installed this package as it is published, with other packages in the versions tested here. */
export class ScratchProject {
  readonly folder: string

  private constructor (folder: string) {
    this.folder = folder
  }

  /**
   * @param template a folder below the package's own, whose files it begins with
   * @param packages that it depends on beside this one
   */
  static create (t: Test, template: string, packages: readonly string[]): ScratchProject {
    const project = new ScratchProject(mkdtempSync(join(tmpdir(), 'fastify-typed-ws-project-')))
    t.after(() => rmSync(project.folder, { recursive: true, force: true }))
    cpSync(join(packageRoot, template), project.folder, { recursive: true })
    writeFileSync(join(project.folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
    const packed = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', project.folder], {
      cwd: packageRoot, encoding: 'utf8', env: project.#environment, stdio: ['ignore', 'pipe', 'ignore']
    })
    const [{ filename }] = JSON.parse(packed) as [{ filename: string }]
    project.run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error', `./${filename}`, ...packages.map(name => `${name}@${versionOf(name)}`)])
    return project
  }

  /** Runs a command in it. Throws with what it printed where it fails. */
  run (command: string, args: readonly string[]): void {
    try {
      execFileSync(command, args, { cwd: this.folder, encoding: 'utf8', env: this.#environment, stdio: 'pipe' })
    } catch (error) {
      const { stdout, stderr } = error as { stdout: string, stderr: string }
      throw new Error(`${command} ${args.join(' ')}\n${stdout}${stderr}`, { cause: error })
    }
  }

  /** A program of one of its packages. */
  runProgram (name: string, args: readonly string[]): void {
    this.run(join(this.folder, 'node_modules/.bin', name), args)
  }

  /** Without what the test runner would load into Node. */
  get #environment (): NodeJS.ProcessEnv {
    const { NODE_OPTIONS, ...others } = process.env
    return others
  }
}

function versionOf (name: string): string {
  return (JSON.parse(readFileSync(join(packageRoot, 'node_modules', name, 'package.json'), 'utf8')) as { version: string }).version
}
