import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fastifyStatic from '@fastify/static'
import { decode, encode } from '@msgpack/msgpack'
import type { FastifyInstance } from 'fastify'
import type { Codec } from 'fastify-typed-ws'
import { checkLengths } from './msgpack-lengths.ts'
import { setHeaders } from './pages.ts'

/** MessagePack: the values of JSON, and bytes, in binary messages. */
export const msgpack: Codec = {
  binary: true,
  contentType: 'application/msgpack',
  decode (payload) {
    checkLengths(payload as Buffer)
    return decode(payload as Buffer)
  },
  encode: value => Buffer.from(encode(value, { ignoreUndefined: true }))
}

/** Serves the same package to browsers, as modules: `/msgpack/index.mjs`. */
export async function serveMsgpack (app: FastifyInstance): Promise<void> {
  const root = join(dirname(fileURLToPath(import.meta.resolve('@msgpack/msgpack'))), '../dist.esm')
  await app.register(fastifyStatic, { root, prefix: '/msgpack/', decorateReply: false, setHeaders })
}
