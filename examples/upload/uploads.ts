import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import createError from '@fastify/error'
import type { Connection } from 'fastify-typed-ws'
import { Upload } from './upload.ts'

const Unknown = createError('UPLOAD_UNKNOWN', 'there is no such upload', 404)
const TooMany = createError('UPLOAD_TOO_MANY', 'too many files are on their way; try again later', 429)

export interface UploadsOptions {
  /** How many files there may be, on their way or complete. */
  readonly atMost: number
  /** How long a file is kept that nothing is heard of, in milliseconds. */
  readonly keepFor: number
}

/** The files of this server, in a folder that goes with it. */
export class Uploads {
  readonly #folder: string
  readonly #options: UploadsOptions
  readonly #uploads = new Map<string, Upload>()
  readonly #timer: NodeJS.Timeout
  readonly #hurry = new AbortController()
  #opening = 0

  private constructor (folder: string, options: UploadsOptions) {
    this.#folder = folder
    this.#options = options
    this.#timer = setInterval(() => { this.#expire() }, options.keepFor / 10)
  }

  static async create (options: UploadsOptions): Promise<Uploads> {
    return new Uploads(await mkdtemp(join(tmpdir(), 'upload-')), options)
  }

  /** @throws UPLOAD_TOO_MANY */
  async begin (size: number, owner: Connection): Promise<Upload> {
    if (this.#uploads.size + this.#opening >= this.#options.atMost && !this.#forgetOne()) throw new TooMany()
    this.#opening++
    try {
      const upload = await Upload.create(this.#folder, size, owner, this.#hurry.signal)
      this.#uploads.set(upload.id, upload)
      return upload
    } finally {
      this.#opening--
    }
  }

  /**
   * Its id is known to nobody but who began it.
   *
   * @throws UPLOAD_UNKNOWN
   */
  get (id: string): Upload {
    const upload = this.#uploads.get(id)
    if (upload === undefined) throw new Unknown()
    return upload
  }

  async remove (upload: Upload): Promise<void> {
    this.#uploads.delete(upload.id)
    await upload.remove()
  }

  /** The disk pretends no more: nobody waits for that when the server closes. */
  hurry (): void {
    this.#hurry.abort()
  }

  async close (): Promise<void> {
    clearInterval(this.#timer)
    await Promise.all([...this.#uploads.values()].map(upload => this.remove(upload)))
    await rm(this.#folder, { recursive: true, force: true })
  }

  /** The oldest of those that are complete; else of those whose client is gone, the one that was heard of the longest ago. */
  #forgetOne (): boolean {
    const uploads = [...this.#uploads.values()]
    const [abandoned] = uploads.filter(upload => upload.isAbandoned).sort((one, other) => one.usedAt - other.usedAt)
    const forgotten = uploads.find(upload => upload.isComplete) ?? abandoned
    if (forgotten === undefined) return false
    this.#drop(forgotten)
    return true
  }

  #expire (): void {
    const oldest = Date.now() - this.#options.keepFor
    for (const upload of this.#uploads.values()) {
      if (upload.usedAt < oldest) this.#drop(upload)
    }
  }

  /** A file that can't be deleted now goes with the folder. */
  #drop (upload: Upload): void {
    this.remove(upload).catch(() => {})
  }
}
