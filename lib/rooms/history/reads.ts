import type { AdapterHistory, HistoryPage, HistorySettings, Position } from '../../../types/adapter.ts'
import { FST_ERR_WS_ROOM_UNAVAILABLE } from '../../errors.ts'
import { FewAtOnce } from '../few-at-once.ts'

/** How many histories are read at once. When the adapter is back all are due: what is asked for in one go would be late as a whole. */
const mostAtOnce = 64

/** Reads of histories, of all rooms together. */
export class Reads {
  readonly #history: AdapterHistory
  readonly #timeout: number
  readonly #running = new FewAtOnce(mostAtOnce)

  /** @param timeout of one read, from its turn on, in milliseconds */
  constructor (history: AdapterHistory, timeout: number) {
    this.#history = history
    this.#timeout = timeout
  }

  /** How many are on their way, or wait for their turn. */
  get size (): number {
    return this.#running.size
  }

  /**
   * @param isWanted asked when its turn comes: rooms that were joined and left while the adapter did not answer are not read
   *
   * @throws FST_ERR_WS_ROOM_UNAVAILABLE, as a rejection, besides what the adapter says
   */
  page (channel: string, after: Position | null, settings: HistorySettings, isWanted: () => boolean): Promise<HistoryPage> {
    return this.#running.run(async () => {
      if (!isWanted()) throw new FST_ERR_WS_ROOM_UNAVAILABLE('nobody is in it any more')
      return await this.#read(channel, after, settings)
    })
  }

  /** An adapter that never answers must not silence a room for ever. */
  async #read (channel: string, after: Position | null, settings: HistorySettings): Promise<HistoryPage> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new FST_ERR_WS_ROOM_UNAVAILABLE(`its history was not read within ${this.#timeout} ms`)), this.#timeout)
    })
    try {
      return await Promise.race([this.#history.read(channel, after, settings), late])
    } finally {
      clearTimeout(timer)
    }
  }
}
