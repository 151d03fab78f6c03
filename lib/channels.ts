import { channel, tracingChannel } from 'node:diagnostics_channel'
import type { WsBroadcastEvent, WsMessageEvent, WsUpgradeEvent } from '../types/channels.ts'

/** Where `node:diagnostics_channel` tells what this package does; docs/observability.md has the payloads. */
export const channels = Object.freeze({
  upgrade: tracingChannel<unknown, WsUpgradeEvent>('fastify-typed-ws:upgrade'),
  message: tracingChannel<unknown, WsMessageEvent>('fastify-typed-ws:message'),
  broadcast: tracingChannel<unknown, WsBroadcastEvent>('fastify-typed-ws:broadcast'),
  invalid: channel('fastify-typed-ws:invalid'),
  close: channel('fastify-typed-ws:close'),
  slowConsumer: channel('fastify-typed-ws:slow-consumer'),
  shed: channel('fastify-typed-ws:shed'),
  limited: channel('fastify-typed-ws:limited'),
  tooBig: channel('fastify-typed-ws:too-big'),
  adapter: channel('fastify-typed-ws:adapter'),
  gap: channel('fastify-typed-ws:gap')
})
