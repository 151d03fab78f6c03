/** Messages to send, as bytes that lie behind each other: any number of them is one slice and one write. */
export class Requests {
  #bytes
  /** Where each message begins, and the last one ends. */
  #starts = [0]
  /** The first place that is a repetition of an earlier one, and how much earlier. */
  #end
  #loop

  /** `first` is sent once, `loop` over and over behind it; they are the same unless a compressor refers back. */
  constructor (first, loop, atOnce) {
    this.#end = first.length + loop.length
    this.#loop = loop.length
    const messages = [...first]
    while (messages.length < this.#end + atOnce) messages.push(...loop)
    this.#bytes = Buffer.concat(messages)
    for (const { length } of messages) this.#starts.push(this.#starts.at(-1) + length)
  }

  /** The next messages of a client. */
  next (client, count) {
    const from = client.position
    let to = from + count
    const bytes = this.#bytes.subarray(this.#starts[from], this.#starts[to])
    while (to >= this.#end) to -= this.#loop
    client.position = to
    return bytes
  }
}
