import { connect } from 'node:net'
import { Drain } from './drain.mjs'
import { checkAccepted, memory, upgradeRequest } from './client.mjs'

/** Connects, waits for the 101, and is gone by a reset, which leaves no port waiting; so many at a time. */
export class Handshakes {
  count = 0
  #job
  #request
  #isRunning = false
  #drain = new Drain()

  constructor (job) {
    this.#job = job
    this.#request = Buffer.from(upgradeRequest(job.language.path('member'), job.extensions))
  }

  open () {}

  start () {
    this.#isRunning = true
    this.#drain.more(this.#job.connections)
    for (let i = 0; i < this.#job.connections; i++) this.#connect()
  }

  #connect () {
    const socket = connect({
      port: this.#job.port,
      host: '127.0.0.1',
      onread: {
        buffer: memory,
        callback: length => {
          checkAccepted(memory.latin1Slice(0, length))
          socket.resetAndDestroy()
          this.count++
          if (this.#isRunning) this.#connect()
          else this.#drain.less(1)
          return true
        }
      }
    })
    socket.on('error', error => { throw new Error('a handshake failed', { cause: error }) })
    socket.write(this.#request)
  }

  stop () {
    this.#isRunning = false
    return this.#drain.wait()
  }
}
