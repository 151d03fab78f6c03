import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** A text that stays the same while the application runs. Clients may keep it, and ask each time whether it still is. */
export class Served {
  readonly #type: string
  readonly #fileName: string
  readonly #text: Buffer
  readonly #etag: string

  constructor (type: string, fileName: string, text: string) {
    this.#type = type
    this.#fileName = fileName
    this.#text = Buffer.from(text)
    this.#etag = `"${createHash('sha256').update(text).digest('base64url')}"`
  }

  answer (request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const known = request.headers['if-none-match']?.split(',').map(etag => etag.trim().replace(/^W\//, '')) ?? []
    void reply.headers({ ETag: this.#etag, 'Cache-Control': 'private, no-cache', 'X-Content-Type-Options': 'nosniff' })
    if (known.includes(this.#etag) || known.includes('*')) return reply.code(304).send()
    return reply.type(this.#type).header('Content-Disposition', `inline; filename="${this.#fileName}"`).send(this.#text)
  }
}
