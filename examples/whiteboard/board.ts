import type { DrawMessage, Stroke, StrokeId } from './messages.ts'

/** How much of a drawing is kept: what a newcomer is sent in one message. */
const mostStrokes = 1000
const mostNumbers = 60_000

/** A drawing: its strokes in the order in which they were begun. */
export class Board {
  readonly #strokes: Stroke[] = []
  #numbers = 0

  /** The same list for ever: what changes until it is encoded is in it. */
  get strokes (): Stroke[] {
    return this.#strokes
  }

  /** Goes on with a stroke, or begins it. Answers the oldest ones, where these had to make room. */
  draw (by: string, { stroke, colour, width, points }: DrawMessage): StrokeId[] {
    const begun = this.#strokes.findLast(each => each.by === by && each.stroke === stroke)
    if (begun === undefined) this.#strokes.push({ by, stroke, colour, width, points: [...points] })
    else begun.points.push(...points)
    this.#numbers += points.length
    return this.#makeRoom()
  }

  /** Takes back the last stroke of somebody. */
  undo (by: string): StrokeId | null {
    const index = this.#strokes.findLastIndex(stroke => stroke.by === by)
    return index === -1 ? null : this.#remove(index)
  }

  clear (): void {
    this.#strokes.length = 0
    this.#numbers = 0
  }

  #makeRoom (): StrokeId[] {
    const removed: StrokeId[] = []
    while (this.#strokes.length > mostStrokes || this.#numbers > mostNumbers) removed.push(this.#remove(0))
    return removed
  }

  #remove (index: number): StrokeId {
    const [{ by, stroke, points }] = this.#strokes.splice(index, 1)
    this.#numbers -= points.length
    return { by, stroke }
  }
}

/** The boards of this server, those first that were used longest ago. */
export class Boards {
  readonly #boards = new Map<string, Board>()
  readonly #atMost: number
  readonly #isInUse: (name: string) => boolean

  constructor (atMost: number, isInUse: (name: string) => boolean) {
    this.#atMost = atMost
    this.#isInUse = isInUse
  }

  /** null where there are as many as there may be, and somebody is at each of them. */
  open (name: string): Board | null {
    const board = this.#boards.get(name) ?? new Board()
    this.#boards.delete(name)
    if (this.#boards.size >= this.#atMost && !this.#forgetOne()) return null
    this.#boards.set(name, board)
    return board
  }

  #forgetOne (): boolean {
    for (const name of this.#boards.keys()) {
      if (!this.#isInUse(name)) return this.#boards.delete(name)
    }
    return false
  }
}
