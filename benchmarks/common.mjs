// What the benchmarks share: processes, bare sockets, memory, figures.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'

/** A module in a process of its own, which says `{ port }`, or anything, when it is ready. */
export class Child {
  #process

  /** `core`: the only one that it may run on, where the machine has taskset(1); null for any. */
  static async start (url, args = [], execArgv = [], core = null) {
    const child = new Child()
    child.#process = core === null
      ? fork(url, args, { execArgv })
      : fork(url, args, { execPath: 'taskset', execArgv: ['--cpu-list', String(core), process.execPath, ...execArgv] })
    child.ready = await child.#answer()
    return child
  }

  /** One question at a time. */
  ask (question, details = {}) {
    const answer = this.#answer()
    if (this.#process.connected) this.#process.send({ question, ...details })
    return answer
  }

  get #isGone () {
    return this.#process.exitCode !== null || this.#process.signalCode !== null
  }

  async #answer () {
    const ended = new AbortController()
    const onExit = () => ended.abort(new Error('a process of the benchmark has ended early'))
    if (this.#isGone) onExit()
    this.#process.once('exit', onExit)
    try {
      return (await once(this.#process, 'message', { signal: ended.signal }))[0]
    } catch {
      throw ended.signal.reason
    } finally {
      this.#process.off('exit', onExit)
    }
  }

  /** Resident memory in MiB: now, and the most since `forgetPeak`. */
  async memory () {
    const status = await readFile(`/proc/${this.#process.pid}/status`, 'utf8')
    const field = name => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)[1]) / 1024
    return { rss: field('VmRSS'), peak: field('VmHWM') }
  }

  /** Seconds that its main thread was ready to run and another had the CPU: what of a delay is the machine's. */
  async waited () {
    return Number((await readFile(`/proc/${this.#process.pid}/schedstat`, 'utf8')).split(' ')[1]) / 1e9
  }

  /** proc(5): clear_refs */
  async forgetPeak () {
    await writeFile(`/proc/${this.#process.pid}/clear_refs`, '5')
  }

  async stop () {
    if (this.#isGone) return
    const exit = once(this.#process, 'exit')
    if (this.#process.connected) this.#process.disconnect()
    await exit
  }
}

/** Answers the questions of the parent: `answers[question](details)`. */
export function answerParent (answers) {
  process.once('disconnect', () => process.exit())
  process.on('message', async ({ question, ...details }) => {
    // An adapter over IPC has messages of its own.
    if (!Object.hasOwn(answers, question)) return
    // The parent may have gone meanwhile, which `disconnect` tells as well.
    process.send(await answers[question](details) ?? {}, () => {})
  })
}

/** Seconds that this process has worked, all its threads together. */
export function cpuSeconds () {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

/** A socket behind its 101. Whatever comes later is for its listeners; it is paused until there is one. */
export async function upgrade (port, path, extensions = '') {
  const socket = connect(port, '127.0.0.1').setNoDelay(true)
  socket.on('error', () => {})
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
    `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${extensions === '' ? '' : `Sec-WebSocket-Extensions: ${extensions}\r\n`}\r\n`)
  let reply = ''
  while (!reply.includes('\r\n\r\n')) {
    const chunk = socket.read()
    if (chunk !== null) reply += chunk.toString('latin1')
    else if (socket.destroyed || socket.readableEnded) throw new Error(`no reply: ${reply}`)
    else await Promise.race([once(socket, 'readable'), once(socket, 'close')])
  }
  if (!reply.startsWith('HTTP/1.1 101')) throw new Error(reply)
  socket.removeAllListeners('readable')
  return { socket, head: reply.slice(0, reply.indexOf('\r\n\r\n')) }
}

/** Random once, and the same in every run: a key of zeros would cost no server its unmasking. */
const maskKey = [0x9d, 0x3a, 0xe7, 0x58]

/** A client's frame, or with `isMasked: false` a server's. `length` is what its header says. */
export function frame (payload, { opcode = 1, fin = true, rsv1 = false, length = payload.length, isMasked = true } = {}) {
  const size = length < 126 ? [length] : length < 65536 ? [126, length >> 8, length & 255] : [127, 0, 0, 0, 0, length >>> 24, length >> 16 & 255, length >> 8 & 255, length & 255]
  const first = (fin ? 0x80 : 0) | (rsv1 ? 0x40 : 0) | opcode
  if (!isMasked) return Buffer.concat([Buffer.from([first, ...size]), payload])
  size[0] |= 0x80
  const body = Buffer.from(payload).map((byte, index) => byte ^ maskKey[index % 4])
  return Buffer.concat([Buffer.from([first, ...size, ...maskKey]), body])
}

/** JSON of about so many bytes, as alike and as different as records are. */
export function jsonOf (size) {
  const records = []
  for (let id = 0, length = 0; length < size; id++) {
    const record = { id, name: `name ${id * 7919 % 1000}`, price: id * 104729 % 100_000 / 100, isNew: id % 3 === 0 }
    length += JSON.stringify(record).length + 1
    records.push(record)
  }
  return Buffer.from(JSON.stringify(records)).subarray(0, size)
}

export const median = values => values.toSorted((a, b) => a - b)[values.length >> 1]
export const percentile = (values, part) => values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))]
export const thousands = value => Math.round(value).toLocaleString('en')

/** One row of a markdown table. */
export function row (...cells) {
  console.log(`| ${cells.join(' | ')} |`)
}

export function header (...titles) {
  row(...titles)
  row(...titles.map(() => '---'))
}
