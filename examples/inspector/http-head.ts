/** Node refuses longer ones, too. */
const longest = 16 * 1024

/** What nobody needs to see who looks over a shoulder. */
const secret = /^((?:proxy-)?authorization|cookie|set-cookie):/i

const empty = Buffer.alloc(0)

/** The head of a request or of its response, gathered until its empty line. */
export class HttpHead {
  readonly #onLines: (lines: string[]) => void
  #bytes: Buffer = empty
  #state: 'open' | 'complete' | 'too long' = 'open'

  constructor (onLines: (lines: string[]) => void) {
    this.#onLines = onLines
  }

  /** Takes the next chunk. Returns what lies behind the head. */
  push (chunk: Buffer): Buffer {
    if (this.#state !== 'open') return this.#state === 'complete' ? chunk : empty
    const bytes = Buffer.concat([this.#bytes, chunk])
    const end = bytes.indexOf('\r\n\r\n')
    if (end === -1) {
      if (bytes.length > longest) this.#state = 'too long'
      this.#bytes = this.#state === 'open' ? bytes : empty
      return empty
    }
    this.#state = 'complete'
    this.#bytes = empty
    this.#onLines(bytes.toString('latin1', 0, end).split('\r\n').map(withoutSecret))
    return bytes.subarray(end + 4)
  }
}

function withoutSecret (line: string): string {
  const [name] = secret.exec(line) ?? []
  return name === undefined ? line : `${name} (left out by the inspector)`
}
