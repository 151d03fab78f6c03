import { Type } from '@sinclair/typebox'
import type { Static } from '@sinclair/typebox'
import { defineContract } from 'fastify-typed-ws'

export const megabyte = 1024 * 1024
/** How much of a file one message carries, at most. */
export const chunkSize = 64 * 1024
/** How many chunks may be on their way before one of them is acknowledged. */
export const windowSize = 4
export const largestFile = 100 * megabyte

const UploadId = Type.String({ pattern: '^[0-9a-f-]{36}$' })
const Offset = Type.Integer({ minimum: 0, maximum: largestFile })

const Begin = Type.Object({
  type: Type.Literal('begin'),
  /** For the log, and nothing else: the server names its files itself. */
  name: Type.String({ minLength: 1, maxLength: 255 }),
  size: Type.Integer({ minimum: 0, maximum: largestFile })
})
const Resume = Type.Object({ type: Type.Literal('resume'), upload: UploadId })
const Chunk = Type.Object({
  type: Type.Literal('chunk'),
  upload: UploadId,
  offset: Offset,
  /** JSON schemas have no word for bytes: the handler looks. */
  data: Type.Unsafe<Uint8Array>({ description: 'Bytes: 1 to 65,536 of the file' })
})
const Finish = Type.Object({ type: Type.Literal('finish'), upload: UploadId })
const Cancel = Type.Object({ type: Type.Literal('cancel'), upload: UploadId })
/** How fast the disk pretends to be, in bytes a second; 0 for as fast as it is. */
const Disk = Type.Object({ type: Type.Literal('disk'), bytesPerSecond: Type.Integer({ minimum: 0, maximum: 1024 * megabyte }) })
/** The connection is to be lost, for all to see what becomes of the upload. */
const Drop = Type.Object({ type: Type.Literal('drop') })

/** Where to go on, and how. */
const Ready = Type.Object({
  type: Type.Literal('ready'),
  upload: UploadId,
  received: Offset,
  chunkSize: Type.Integer(),
  windowSize: Type.Integer()
})
const Stored = Type.Object({ type: Type.Literal('stored'), received: Offset })
const Finished = Type.Object({ type: Type.Literal('finished'), size: Offset, sha256: Type.String() })
const Cancelled = Type.Object({ type: Type.Literal('cancelled') })

export const uploading = defineContract({
  receive: Type.Union([Begin, Resume, Chunk, Finish, Cancel, Disk, Drop]),
  replies: { begin: Ready, resume: Ready, chunk: Stored, finish: Finished, cancel: Cancelled }
})

export type ReadyMessage = Static<typeof Ready>
