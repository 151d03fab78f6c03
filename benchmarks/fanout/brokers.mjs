// Brokers on free loopback ports, each for one contender alone, so that its CPU time is that contender's.
import { execFileSync, spawn } from 'node:child_process'
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/** Each: its program and what that is told. Nothing is written to a disk that the program can keep in memory. */
const kinds = {
  redis: { program: 'redis-server', args: (port, folder) => ['--port', port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder] },
  nats: { program: 'nats-server', args: port => ['-a', '127.0.0.1', '-p', port] },
  jetstream: { program: 'nats-server', args: (port, folder) => ['-a', '127.0.0.1', '-p', port, '-js', '-sd', folder] }
}

/** Where daemons live, which PATH does not always say. */
const systemFolders = ['/usr/sbin', '/usr/local/sbin', '/usr/bin']

/** The program that a kind of broker needs, and where it is; `path` is null where it is not installed. */
export function programOf (kind) {
  const { program } = kinds[kind]
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...systemFolders]
  return { program, path: folders.map(folder => join(folder, program)).find(isExecutable) ?? null }
}

function isExecutable (path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** A broker that takes connections. It ends with this process, whatever ends that. */
export class Broker {
  port
  /** By the name of its program. */
  version
  #process
  #folder = mkdtempSync(join(tmpdir(), 'bench-fanout-'))

  static async start (kind) {
    const broker = new Broker()
    broker.port = await freePort()
    const { program, path } = programOf(kind)
    broker.version = { [program]: /\d+\.\d+\.\d+/.exec(execFileSync(path, ['--version'], { encoding: 'utf8' }))?.[0] ?? null }
    broker.#process = spawn(path, kinds[kind].args(String(broker.port), broker.#folder), { stdio: 'ignore' })
    process.once('exit', broker.#kill)
    const until = performance.now() + 10_000
    while (!await takesConnections(broker.port)) {
      if (performance.now() > until || broker.#process.exitCode !== null) throw new Error(`${kind} has not started`)
      await delay(20)
    }
    return broker
  }

  get pid () {
    return this.#process.pid
  }

  async stop () {
    process.off('exit', this.#kill)
    if (this.#process.exitCode === null) {
      const exit = once(this.#process, 'exit')
      this.#process.kill('SIGTERM')
      await exit
    }
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #kill = () => {
    this.#process.kill('SIGKILL')
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

async function freePort () {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

async function takesConnections (port) {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
