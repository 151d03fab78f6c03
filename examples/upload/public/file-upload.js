/** What is to be asked again over the next connection: where does it go on? */
const interruptions = new Set(['WS_CLIENT_LOST', 'WS_CLIENT_TIMEOUT', 'UPLOAD_TAKEN_OVER', 'UPLOAD_OFFSET'])

/** One file on its way to the server, over as many connections as it takes. */
export class FileUpload {
  #client
  #file
  #onChange
  #id = null
  #stored = 0
  #sent = 0
  #chunks = 0
  #window = 0
  #delay = null
  #cancelled = new AbortController()
  /** Settles when it is not paused. */
  #going = Promise.resolve()
  #goOn = null

  constructor (client, file, onChange) {
    this.#client = client
    this.#file = file
    this.#onChange = onChange
  }

  get figures () {
    return { size: this.#file.size, stored: this.#stored, sent: this.#sent, chunks: this.#chunks, window: this.#window, delay: this.#delay }
  }

  get isPaused () {
    return this.#goOn !== null
  }

  pause () {
    if (!this.isPaused) this.#going = new Promise(resolve => { this.#goOn = resolve })
  }

  resume () {
    this.#goOn?.()
    this.#goOn = null
  }

  /** What runs rejects with an AbortError. */
  cancel () {
    this.#cancelled.abort()
    this.resume()
    if (this.#id !== null) this.#client.send({ type: 'cancel', upload: this.#id })
  }

  /** Settles with the SHA-256 of what the server has. */
  async run () {
    for (;;) {
      try {
        const ready = await this.#whereToGoOn()
        await this.#sendFrom(ready)
        const { sha256 } = await this.#request({ type: 'finish', upload: this.#id })
        return sha256
      } catch (error) {
        // A server that was started anew knows nothing of it.
        if (error.code === 'UPLOAD_UNKNOWN' && this.#id !== null) this.#id = null
        else if (!interruptions.has(error.code)) throw error
      }
    }
  }

  async #whereToGoOn () {
    const { name, size } = this.#file
    const ready = await this.#request(this.#id === null ? { type: 'begin', name, size } : { type: 'resume', upload: this.#id })
    this.#id = ready.upload
    this.#stored = this.#sent = ready.received
    this.#window = ready.windowSize
    this.#onChange()
    return ready
  }

  async #sendFrom ({ received, chunkSize, windowSize }) {
    const underWay = new Set()
    let failure = null
    for (let offset = received; offset < this.#file.size && failure === null; offset += chunkSize) {
      await this.#going
      this.#cancelled.signal.throwIfAborted()
      const data = new Uint8Array(await this.#file.slice(offset, offset + chunkSize).arrayBuffer())
      const answered = this.#sendChunk(offset, data).catch(error => { failure ??= error }).finally(() => {
        underWay.delete(answered)
        this.#chunks = underWay.size
        this.#onChange()
      })
      underWay.add(answered)
      this.#chunks = underWay.size
      this.#sent = offset + data.length
      this.#onChange()
      // The window is full: the next chunk leaves when one of these is on the disk.
      if (underWay.size === windowSize) await Promise.race(underWay)
    }
    await Promise.all(underWay)
    if (failure !== null) throw failure
  }

  async #sendChunk (offset, data) {
    const sentAt = performance.now()
    const { received } = await this.#request({ type: 'chunk', upload: this.#id, offset, data })
    this.#stored = received
    this.#delay = performance.now() - sentAt
  }

  async #request (message) {
    return await this.#client.request(message, { signal: this.#cancelled.signal })
  }
}
