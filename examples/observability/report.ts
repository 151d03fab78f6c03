import { performance } from 'node:perf_hooks'
import { Type } from '@sinclair/typebox'
import type { Static, TObject, TInteger } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'

const Count = Type.Integer()
const CountByName = Type.Record(Type.String(), Count)

function counts<const Name extends string> (...names: Name[]): TObject<Record<Name, TInteger>> {
  return Type.Object(Object.fromEntries(names.map(name => [name, Count])) as Record<Name, TInteger>)
}

const Flow = counts('messages', 'bytes')

/** What `app.wsStats()` answers: what is not declared here does not leave. */
const Stats = Type.Object({
  connections: Type.Composite([counts('open', 'opened', 'silent', 'idle', 'expired'), Type.Object({ closed: CountByName, byRoute: CountByName })]),
  upgrades: Type.Object({ pending: Count, refused: CountByName, aborted: Count }),
  traffic: Type.Object({ received: Flow, sent: Flow }),
  messages: counts('invalid', 'failed', 'limited'),
  rooms: Count,
  memory: counts('held', 'peak', 'limit', 'buffered', 'shed', 'tooBig'),
  slowConsumers: counts('closed', 'dropped', 'replaced')
})

/** What dashboards are sent. */
export const Report = Type.Object({
  type: Type.Literal('report'),
  /** Which process this is: its counters begin at 0. */
  startedAt: Count,
  /** By the server's clock, in milliseconds: rates are differences of two reports, and one may have been left out. */
  time: Count,
  /** Which part of the time since the last report the event loop was busy, 0 to 1. */
  eventLoop: Type.Number(),
  /** Memory of the whole process, in bytes. */
  rss: Count,
  stats: Stats
})

/** Makes the reports of a server. */
export class Reporter {
  readonly #app: FastifyInstance
  readonly #startedAt = Date.now()
  #lastLoop = performance.eventLoopUtilization()
  #eventLoop = 0

  constructor (app: FastifyInstance) {
    this.#app = app
  }

  /** Measures the event loop since the last call. */
  measure (): void {
    const loop = performance.eventLoopUtilization()
    this.#eventLoop = performance.eventLoopUtilization(loop, this.#lastLoop).utilization
    this.#lastLoop = loop
  }

  report (): Static<typeof Report> {
    return {
      type: 'report',
      startedAt: this.#startedAt,
      time: Date.now(),
      eventLoop: this.#eventLoop,
      rss: process.memoryUsage.rss(),
      stats: this.#app.wsStats()
    }
  }
}
