import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, existsSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/** Where daemons live, which PATH does not always say. */
const systemFolders = ['/usr/sbin', '/usr/local/sbin', '/opt/homebrew/bin']

/**
 * The paths of programs that have to be installed.
 *
 * @throws an error that names those that are not
 */
export function findPrograms<const Name extends string> (names: readonly Name[]): Record<Name, string> {
  const folders = [...(process.env.PATH ?? '').split(delimiter).filter(folder => folder !== ''), ...systemFolders]
  const found = names.map(name => [name, folders.map(folder => join(folder, name)).find(isExecutable)] as const)
  const missing = found.flatMap(([name, path]) => path === undefined ? [name] : [])
  if (missing.length > 0) throw new Error(`not installed: ${missing.join(', ')} (looked in ${folders.join(', ')})`)
  return Object.fromEntries(found) as Record<Name, string>
}

function isExecutable (path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

export async function freePort (): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** A program as a child of this process. */
export class Program {
  readonly name: string
  readonly #path: string
  readonly #args: readonly string[]
  readonly #env: Record<string, string>
  readonly #onMessage: (message: unknown) => void
  /** Called when it ends and was not asked to. */
  readonly #onEnd: (how: string) => void
  #child: ChildProcess | null = null
  #isAsked = false

  /** @param onMessage where it is Node, which talks to its parent */
  constructor (name: string, path: string, args: readonly string[], onEnd: (how: string) => void, env: Record<string, string> = {}, onMessage: (message: unknown) => void = () => {}) {
    this.name = name
    this.#path = path
    this.#args = args
    this.#env = env
    this.#onMessage = onMessage
    this.#onEnd = onEnd
  }

  start (): void {
    this.#isAsked = false
    const child = this.#child = spawn(this.#path, this.#args, {
      env: { ...process.env, ...this.#env },
      stdio: this.#path === process.execPath ? ['ignore', 'inherit', 'inherit', 'ipc'] : ['ignore', 'ignore', 'inherit'],
      // In a group of its own: Ctrl-C is for this process, which ends the others in their order.
      detached: true
    })
    child.on('message', message => this.#onMessage(message))
    child.once('error', error => this.#ended(error.message))
    child.once('exit', (code, signal) => this.#ended(signal ?? `code ${code}`))
  }

  /** Settles when it has ended. */
  async end (signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child
    this.#isAsked = true
    if (child === null) return
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
  }

  #ended (how: string): void {
    if (this.#child === null) return
    this.#child = null
    if (!this.#isAsked) this.#onEnd(how)
  }
}

/** Settles when something accepts connections there, or that is wanted no more. */
export async function accepting (port: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && !await accepts(port)) await delay(20)
}

/** Settles when the file is there, or that is wanted no more. */
export async function exists (path: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && !existsSync(path)) await delay(20)
}

function accepts (port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
