import { channel } from 'node:diagnostics_channel'

/** Where `node:diagnostics_channel` tells what this package does; docs/memory.md has the payloads. */
export const channels = Object.freeze({
  slowConsumer: channel('fastify-typed-ws:slow-consumer'),
  shed: channel('fastify-typed-ws:shed'),
  tooBig: channel('fastify-typed-ws:too-big')
})
