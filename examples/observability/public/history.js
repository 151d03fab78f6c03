/** A pause between reports that is longer, in milliseconds, is a gap in the lines. */
const gap = 5_000

/** What charts draw, made of reports: the difference of two gives what happened in a second. */
export class History {
  #span
  #last = null
  #samples = []

  /** @param span how much is kept, in milliseconds */
  constructor (span) {
    this.#span = span
  }

  add (report) {
    const last = this.#last
    this.#last = report
    if (last === null) return
    // A server that was started again counts from 0.
    if (last.startedAt !== report.startedAt || report.time - last.time > gap) {
      this.#samples.push(null)
      return
    }
    if (report.time > last.time) this.#samples.push(sampleOf(last, report))
    const oldest = this.#samples.findIndex(sample => sample !== null && sample.time >= report.time - this.#span)
    this.#samples.splice(0, Math.max(0, oldest))
  }

  /** `{ time, [series]: value }` of a chart, oldest first; null for a gap. */
  of (chart) {
    return this.#samples.map(sample => sample && { time: sample.time, ...sample[chart] })
  }
}

function sampleOf (before, after) {
  const seconds = (after.time - before.time) / 1000
  const rate = select => (select(after.stats) - select(before.stats)) / seconds
  const flow = kind => ({
    received: rate(({ traffic }) => traffic.received[kind]),
    sent: rate(({ traffic }) => traffic.sent[kind])
  })
  return {
    time: after.time,
    connections: { open: after.stats.connections.open },
    messages: flow('messages'),
    bytes: flow('bytes'),
    memory: { held: after.stats.memory.held },
    eventLoop: { busy: after.eventLoop },
    trouble: {
      messages: rate(({ messages, memory }) => messages.invalid + messages.failed + messages.limited + memory.tooBig),
      upgrades: rate(({ upgrades }) => sum(upgrades.refused) + upgrades.aborted)
    }
  }
}

function sum (counts) {
  return Object.values(counts).reduce((total, value) => total + value, 0)
}
