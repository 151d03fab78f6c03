import { channel } from 'node:diagnostics_channel'

/** Where `node:diagnostics_channel` tells what this package does; docs/observability.md has the payloads. */
export const channels = Object.freeze({
  close: channel('fastify-typed-ws:close'),
  slowConsumer: channel('fastify-typed-ws:slow-consumer'),
  shed: channel('fastify-typed-ws:shed'),
  tooBig: channel('fastify-typed-ws:too-big')
})
