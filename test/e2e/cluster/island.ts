import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { Test } from 'tap'

/*
 * A network of its own for one process, joined to this process's by two lines: one for its clients, one for its broker.
 * The addresses are of the range for tests of networks (RFC 2544, RFC 6890).
 */

/** The ends of a line, as this side and as the island calls them. */
interface Line {
  readonly device: string
  readonly here: string
  readonly there: string
}

let count = 0

export class Island {
  readonly #name: string
  readonly clients: Line
  readonly broker: Line

  constructor (t: Test) {
    const subnet = count++
    this.#name = `ws${process.pid}-${subnet}`
    this.clients = { device: `${this.#name}c`, here: `198.18.${subnet}.1`, there: `198.18.${subnet}.2` }
    this.broker = { device: `${this.#name}b`, here: `198.19.${subnet}.1`, there: `198.19.${subnet}.2` }
    sink()
    ip('netns', 'add', this.#name)
    t.after(() => { ip('netns', 'delete', this.#name) })
    for (const line of [this.clients, this.broker]) this.#lay(line)
  }

  #lay ({ device, here, there }: Line): void {
    ip('link', 'add', device, 'type', 'veth', 'peer', 'name', device, 'netns', this.#name)
    ip('address', 'add', `${here}/30`, 'dev', device)
    ip('link', 'set', device, 'up')
    ip('-n', this.#name, 'address', 'add', `${there}/30`, 'dev', device)
    ip('-n', this.#name, 'link', 'set', device, 'up')
  }

  /** The command that runs another one there. */
  get within (): string {
    return `ip netns exec ${this.#name}`
  }

  /** What is sent over the line is lost, and nobody is told. */
  cut ({ device }: Line): void {
    ip('link', 'set', device, 'down')
  }

  mend ({ device }: Line): void {
    ip('link', 'set', device, 'up')
  }
}

/** Those of tests that were killed are left. */
function sink (): void {
  for (const [name, pid] of ip('netns', 'list').matchAll(/^ws(\d+)-\d+/gm)) {
    if (!existsSync(`/proc/${pid}`)) ip('netns', 'delete', name)
  }
}

function ip (...args: string[]): string {
  return execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'ignore'], encoding: 'utf8' })
}
