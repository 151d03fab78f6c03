import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Test } from 'tap'
import { freePort } from '../../helpers/free-port.ts'
import { childrenOf, suspend } from '../../helpers/processes.ts'

export type ProxyKind = 'nginx' | 'haproxy'

/** What waits for nobody longer than this on `/impatient`, in milliseconds. */
const impatience = 2_000

interface Product {
  config (folder: string, port: number, backend: number): string
  args (file: string, folder: string): string[]
  /** Asks for new workers; the old ones go on until their connections end. */
  readonly reload: NodeJS.Signals
}

/** How nginx runs as a child of a test. */
export function nginxProcess (folder: string): string {
  return `${process.getuid?.() === 0 ? 'user root;' : ''} daemon off; pid ${folder}/nginx.pid;`
}

/** What an `http` block of nginx writes, and where. */
export function nginxFiles (folder: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(name => `${name}_temp_path ${folder}/${name};`)
  return `access_log off; ${temporary.join(' ')}`
}

/** As their manuals have it. */
const products: Record<ProxyKind, Product> = {
  nginx: {
    config: (folder, port, backend) => `
      ${nginxProcess(folder)}
      worker_processes 1;
      events { worker_connections 256; }
      http {
        ${nginxFiles(folder)}
        map $http_upgrade $connection_upgrade { default upgrade; '' close; }
        proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $connection_upgrade;
        proxy_set_header X-Forwarded-Proto https;
        proxy_set_header X-Forwarded-Host $http_host;
        server {
          listen 127.0.0.1:${port};
          location / { proxy_pass http://127.0.0.1:${backend}; }
          location /impatient { proxy_pass http://127.0.0.1:${backend}; proxy_read_timeout ${impatience}ms; }
        }
      }`,
    args: (file, folder) => ['-p', folder, '-c', file, '-e', join(folder, 'error.log')],
    reload: 'SIGHUP'
  },
  haproxy: {
    config: (_folder, port, backend) => `
defaults
  mode http
  retries 0
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend public
  bind 127.0.0.1:${port}
  http-request set-header X-Forwarded-Proto https
  http-request set-header X-Forwarded-Host %[req.hdr(Host)]
  http-request set-header Host 127.0.0.1:${backend}
  use_backend impatient if { path_beg /impatient }
  default_backend patient
backend patient
  timeout tunnel 60s
  server app 127.0.0.1:${backend}
backend impatient
  timeout tunnel ${impatience}ms
  server app 127.0.0.1:${backend}
`,
    // Quiet, with a master as nginx has one.
    args: file => ['-W', '-q', '-f', file],
    reload: 'SIGUSR2'
  }
}

/** Ended with this process, however it ends: nobody else would. */
const running = new Set<Proxy>()
process.once('exit', () => {
  for (const proxy of running) proxy.signal('SIGKILL')
})

/** A proxy as a process of its own, in front of a server on `backend`; ended with the test. */
export class Proxy {
  readonly port: number
  readonly #program: string
  readonly #args: readonly string[]
  readonly #product: Product
  #master: ChildProcess

  private constructor (program: string, args: readonly string[], product: Product, port: number) {
    this.port = port
    this.#program = program
    this.#args = args
    this.#product = product
    this.#master = this.#spawn()
  }

  static start (t: Test, kind: ProxyKind, program: string, backend: number): Promise<Proxy> {
    return Proxy.startWith(t, kind, program, (folder, port) => products[kind].config(folder, port, backend))
  }

  /** With a configuration that listens on `port`; whatever files it needs may lie in `folder`. */
  static async startWith (t: Test, kind: ProxyKind, program: string, config: (folder: string, port: number) => string): Promise<Proxy> {
    const folder = await mkdtemp(join(tmpdir(), `${kind}-`))
    const port = await freePort()
    const file = join(folder, 'proxy.conf')
    const product = products[kind]
    await writeFile(file, config(folder, port))
    const proxy = new Proxy(program, product.args(file, folder), product, port)
    running.add(proxy)
    t.after(async () => {
      await proxy.kill()
      running.delete(proxy)
      await rm(folder, { recursive: true })
    })
    await proxy.#listening()
    return proxy
  }

  get url (): string {
    return `ws://127.0.0.1:${this.port}`
  }

  /** The processes that serve clients. */
  get workers (): number[] {
    return childrenOf(Number(this.#master.pid))
  }

  /** Ends all of it at once. */
  async kill (): Promise<void> {
    if (!this.#isRunning) return
    const exited = once(this.#master, 'exit')
    this.signal('SIGKILL')
    await exited
  }

  /** Ends as `systemctl stop` does. */
  async stop (): Promise<void> {
    await this.#ask('SIGTERM', () => !this.#isRunning)
  }

  async startAgain (): Promise<void> {
    this.#master = this.#spawn()
    await this.#listening()
  }

  /** Settles when new workers serve. */
  async reload (): Promise<void> {
    const before = this.workers
    await this.#ask(this.#product.reload, () => this.workers.some(pid => !before.includes(pid)))
    await this.#listening()
  }

  /** Settles when it is stopped. */
  async stall (): Promise<void> {
    for (const pid of [Number(this.#master.pid), ...this.workers]) await suspend(pid)
  }

  wakeUp (): void {
    this.signal('SIGCONT')
  }

  #spawn (): ChildProcess {
    return spawn(this.#program, this.#args, { stdio: ['ignore', 'inherit', 'inherit'] })
  }

  get #isRunning (): boolean {
    return this.#master.exitCode === null && this.#master.signalCode === null
  }

  /** Asks the master until it has obeyed: haproxy's is deaf for a moment after it has begun to listen. */
  async #ask (signal: NodeJS.Signals, hasObeyed: () => boolean): Promise<void> {
    for (let round = 0; !hasObeyed(); round++) {
      if (round % 50 === 0) this.#master.kill(signal)
      await delay(5)
    }
  }

  /** To all its processes. */
  signal (signal: NodeJS.Signals): void {
    // Workers that a killed master leaves would go on alone.
    const { workers } = this
    this.#master.kill(signal)
    for (const pid of workers) process.kill(pid, signal)
  }

  /** It does not say when it is ready: asked until it is. */
  async #listening (): Promise<void> {
    while (!await accepts(this.port)) {
      if (this.#master.exitCode !== null) throw new Error(`${this.#program} ended with ${this.#master.exitCode} before it listened`)
      await delay(5)
    }
  }
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
