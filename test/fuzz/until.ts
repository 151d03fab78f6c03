import { setImmediate as turn } from 'node:timers/promises'

/** How long a server may take to notice what happened on its sockets, in milliseconds: a bound for what never comes, not a measure. */
const patience = 20_000

/** Settles when something holds; throws when it does not become true. */
export async function until (what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + patience
  while (!await holds()) {
    if (performance.now() > end) throw new Error(`never: ${what}`)
    await turn()
  }
}
