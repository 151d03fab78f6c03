/** What the application passes to be called. What it throws is the application's: it keeps nobody else from being called, and is thrown where nothing of ours is on the stack. */
export function tell<Value> (listener: (value: Value) => void, value: Value): void {
  try {
    listener(value)
  } catch (error) {
    queueMicrotask(() => { throw error })
  }
}

/** Who wants to be told of one kind of thing, in the order in which they came. */
export class Listeners<Value> {
  readonly #all = new Set<readonly [(value: Value) => void]>()

  /** One that is added twice is called twice. Answers what ends that. */
  add (listener: (value: Value) => void): () => void {
    const entry = [listener] as const
    this.#all.add(entry)
    return () => { this.#all.delete(entry) }
  }

  /** @param isTrue whether there is still a point in it */
  tell (value: Value, isTrue = () => true): void {
    for (const entry of [...this.#all]) if (this.#all.has(entry) && isTrue()) tell(entry[0], value)
  }
}
