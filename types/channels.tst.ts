// What is published on node:diagnostics_channel.
import { tracingChannel } from 'node:diagnostics_channel'
import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import type { FastifyInstance } from 'fastify'
import type {
  CloseInfo, Connection, Traffic, WsBroadcastEvent, WsChannels, WsCloseEvent, WsInvalidEvent, WsLimitedEvent, WsMessageEvent, WsShedEvent,
  WsSlowConsumerEvent, WsTooBigEvent, WsUpgradeEvent
} from '../lib/index.ts'
import { expectTypeOf } from './expect.tst.ts'

/* Names lead to payloads. */

declare const events: WsChannels
expectTypeOf(events['fastify-typed-ws:upgrade']).toBe<WsUpgradeEvent>()
expectTypeOf(events['fastify-typed-ws:message']).toBe<WsMessageEvent>()
expectTypeOf(events['fastify-typed-ws:broadcast']).toBe<WsBroadcastEvent>()
expectTypeOf(events['fastify-typed-ws:invalid']).toBe<WsInvalidEvent>()
expectTypeOf(events['fastify-typed-ws:close']).toBe<WsCloseEvent>()
expectTypeOf(events['fastify-typed-ws:limited']).toBe<WsLimitedEvent>()
expectTypeOf(events['fastify-typed-ws:slow-consumer']).toBe<WsSlowConsumerEvent>()
expectTypeOf(events['fastify-typed-ws:shed']).toBe<WsShedEvent>()
expectTypeOf(events['fastify-typed-ws:too-big']).toBe<WsTooBigEvent>()
// @ts-expect-error no such channel
expectTypeOf(events['fastify-typed-ws:open']).toBe<never>()

/** What one who subscribes by a name is given. */
declare function subscribe<Name extends keyof WsChannels> (name: Name, listener: (event: WsChannels[Name]) => void): void
subscribe('fastify-typed-ws:shed', ({ held, total, limit }) => { expectTypeOf([held, total, limit]).toBe<number[]>() })

/* Every event says its instance. */

declare const any: WsChannels[keyof WsChannels]
expectTypeOf(any.instance).toBe<FastifyInstance>()

/* An upgrade. */

const upgrades = tracingChannel<unknown, WsUpgradeEvent>('fastify-typed-ws:upgrade')
upgrades.start.bindStore(undefined as never, ({ request }) => { expectTypeOf(request).toBe<IncomingMessage | Http2ServerRequest>() })
declare const upgrade: WsUpgradeEvent
expectTypeOf(upgrade.statusCode).toBe<number | undefined>()
expectTypeOf(upgrade.connection).toBe<Connection | undefined>()
expectTypeOf(upgrade.route).toBe<string | undefined>()
// @ts-expect-error the request is for reading
upgrade.request = undefined

/* A message. */

declare const message: WsMessageEvent
expectTypeOf(message.connection).toBe<Connection>()
expectTypeOf(message.route).toBe<string>()
expectTypeOf(message.type).toBe<string | number | boolean | undefined>()
expectTypeOf(message.id).toBe<string | number | undefined>()
expectTypeOf(message.message).toBe<unknown>()
// @ts-expect-error what the client sent is to be checked
message.message.text.toString()

/* What was refused, and what happens to a connection. */

declare const invalid: WsInvalidEvent
expectTypeOf(invalid.error.code).toBe<string>()
expectTypeOf(invalid.error.closeCode).toBe<number>()
declare const closed: WsCloseEvent
expectTypeOf(closed.info).toBe<CloseInfo>()
expectTypeOf(closed.traffic).toBe<Traffic>()
declare const slow: WsSlowConsumerEvent
expectTypeOf(slow.policy).toBe<'close' | 'drop-newest' | 'drop-oldest' | 'keep-latest'>()
expectTypeOf(slow.outcome).toBe<'closed' | 'dropped' | 'replaced'>()
// @ts-expect-error there is no such outcome
if (slow.outcome === 'queued') throw new Error()
