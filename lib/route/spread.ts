/** So many are no crowd: they are taken at once, and so are the largest parts of one. */
const atOnce = 100

/** How far the parts of a crowd lie apart on average, where they need not be larger for it, in milliseconds. */
const step = 10

/**
 * Calls `act` for each item once: for up to 100 at once, before it returns; for more in random order, in parts of up to 100 at random moments within
 * `spread` milliseconds.
 *
 * @returns what stops it
 */
export function spreadOut<Item> (items: Iterable<Item>, spread: number, act: (item: Item) => void): () => void {
  const crowd = [...items]
  if (crowd.length <= atOnce || spread === 0) {
    for (const item of crowd) act(item)
    return () => {}
  }
  shuffle(crowd)
  const parts = Math.max(Math.ceil(crowd.length / atOnce), Math.min(crowd.length, Math.floor(spread / step)))
  /** Each part has its share of the time, and comes at any moment of that. */
  const start = performance.now()
  const momentOf = (part: number): number => start + spread * (part + Math.random()) / parts
  let part = 0
  const onTimer = (): void => {
    let moment: number
    do {
      const first = Math.floor(crowd.length * part / parts)
      part++
      for (const item of crowd.slice(first, Math.floor(crowd.length * part / parts))) act(item)
      if (part === parts) return
      moment = momentOf(part)
    } while (moment <= performance.now())
    timer = setTimeout(onTimer, moment - performance.now())
  }
  let timer = setTimeout(onTimer, momentOf(0) - start)
  return () => clearTimeout(timer)
}

/** Fisher and Yates's: every order is as likely. */
function shuffle (items: unknown[]): void {
  for (let last = items.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1));
    [items[last], items[other]] = [items[other], items[last]]
  }
}
