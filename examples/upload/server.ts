import createError from '@fastify/error'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify from 'fastify'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import typedWs from 'fastify-typed-ws'
import { msgpack, serveMsgpack } from '../support/msgpack.ts'
import { servePages } from '../support/pages.ts'
import { runAsProgram } from '../support/run.ts'
import { chunkSize, uploading, windowSize } from './messages.ts'
import type { ReadyMessage } from './messages.ts'
import type { Upload } from './upload.ts'
import { Uploads } from './uploads.ts'
import type { UploadsOptions } from './uploads.ts'

const NotBytes = createError('UPLOAD_NOT_BYTES', 'data is to be bytes', 400)

/** What of a message is not the chunk's bytes. */
const overhead = 1024

/**
 * Files in chunks. Each chunk is answered once it is on the disk, and the messages of a connection are handled one after the other: while the disk is busy nothing is
 * read, TCP holds the client back, and the client's window sees to it that no more than a few chunks are under way.
 */
export async function build (
  options: FastifyServerOptions = {},
  { atMost = 20, keepFor = 10 * 60_000 }: Partial<UploadsOptions> = {}
): Promise<FastifyInstance> {
  const app = Fastify(options).withTypeProvider<TypeBoxTypeProvider>()
  await app.register(typedWs)
  await servePages(app, 'upload')
  await serveMsgpack(app)

  const uploads = await Uploads.create({ atMost, keepFor })
  app.addHook('preClose', async () => uploads.hurry())
  app.addHook('onClose', async () => await uploads.close())

  app.ws('/upload', {
    schema: { summary: 'Takes files in chunks', ...uploading },
    codec: { msgpack },
    heartbeat: { notify: true },
    maxPayload: chunkSize + overhead,
    onOpen: () => ({ bytesPerSecond: 0 })
  }, {
    async begin ({ name, size }, connection) {
      connection.log.info({ name, size }, 'upload begins')
      return ready(await uploads.begin(size, connection))
    },
    async resume (message, connection) {
      const upload = uploads.get(message.upload)
      await upload.takeOver(connection)
      return ready(upload)
    },
    async chunk ({ upload: id, offset, data }, connection) {
      if (!(data instanceof Uint8Array)) throw new NotBytes()
      const upload = uploads.get(id)
      await upload.write(connection, offset, data, connection.data.bytesPerSecond)
      return { type: 'stored', received: upload.received }
    },
    async finish ({ upload: id }, connection) {
      const upload = uploads.get(id)
      return { type: 'finished', size: upload.size, sha256: await upload.finish(connection) }
    },
    async cancel ({ upload: id }) {
      await uploads.remove(uploads.get(id))
      return { type: 'cancelled' }
    },
    disk ({ bytesPerSecond }, connection) {
      connection.data.bytesPerSecond = bytesPerSecond
    },
    drop (_message, connection) {
      connection.terminate()
    }
  })

  return app
}

function ready ({ id, received }: Upload): ReadyMessage {
  return { type: 'ready', upload: id, received, chunkSize, windowSize }
}

await runAsProgram(import.meta.url, build)
