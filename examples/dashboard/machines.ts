import type { GroupName, ReadingMessage } from './messages.ts'

const machinesEach = 16
const readingsAtOnce = 4

/** Machines of a group, whose loads wander at random. */
export class Machines {
  readonly group: GroupName
  #readings: ReadingMessage[]
  #next = 0

  constructor (group: GroupName) {
    this.group = group
    this.#readings = Array.from({ length: machinesEach }, (_, index) => ({
      type: 'reading',
      machine: `${group}-${String(index + 1).padStart(2, '0')}`,
      load: 20 + Math.random() * 50,
      number: 0,
      time: Date.now()
    }))
  }

  /** The last one of each. */
  get readings (): readonly ReadingMessage[] {
    return this.#readings
  }

  /** Reads a few, in turn, and answers these. */
  read (): ReadingMessage[] {
    const read = Array.from({ length: readingsAtOnce }, (_, index) => (this.#next + index) % machinesEach)
    this.#next = (this.#next + readingsAtOnce) % machinesEach
    for (const index of read) this.#readings[index] = wander(this.#readings[index])
    return read.map(index => this.#readings[index])
  }
}

/** Towards the middle rather than away from it. */
function wander ({ load, number, ...reading }: ReadingMessage): ReadingMessage {
  const next = load + (Math.random() - 0.5) * 8 + (45 - load) / 120
  return { ...reading, load: Math.round(Math.min(99, Math.max(1, next)) * 10) / 10, number: number + 1, time: Date.now() }
}
