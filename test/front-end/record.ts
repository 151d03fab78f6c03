/** What the page keeps for the test that drives it. */
export interface FeedRecord {
  /** The numbers of this page that the server has taken. */
  taken: number[]
  /** What came, in its order: author and number. */
  came: string[]
  /** What each join was answered. */
  joins: Array<{ recovered: boolean, replayed: number }>
  states: string[]
  faults: string[]
}

declare global {
  interface Window {
    feedRecord: FeedRecord
    begin: () => void
    finish: () => Promise<void>
  }
}
