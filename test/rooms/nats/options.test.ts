import t from 'tap'
import { natsAdapter } from '../../../lib/rooms/nats/index.ts'
import type { NatsAdapterOptions, NatsConnectionLike } from '../../../lib/rooms/nats/index.ts'

const nothing = (): void => {}
const connection = { publish: nothing, subscribe: nothing, request: nothing, flush: nothing, status: nothing, isClosed: nothing } as object as NatsConnectionLike
const jetstream = { apiPrefix: '$JS.API', publish: nothing }

/** What a user without types could pass. */
function adapterOf (options: unknown): void {
  natsAdapter(options as NatsAdapterOptions)
}

t.test('a mistake is an error at once, which names the option', async t => {
  const mistakes = [
    [undefined, 'natsAdapter'],
    [null, 'natsAdapter'],
    [{}, 'natsAdapter.connection'],
    [{ connection: Promise.resolve(connection) }, 'natsAdapter.connection'],
    [{ connection: { ...connection, flush: undefined } }, 'natsAdapter.connection'],
    [{ connection, url: 'nats://localhost' }, 'natsAdapter.url'],
    [{ connection, jetstream: null }, 'natsAdapter.jetstream'],
    [{ connection, jetstream: true }, 'natsAdapter.jetstream'],
    [{ connection, jetstream: connection }, 'natsAdapter.jetstream'],
    [{ connection, namespace: '' }, 'natsAdapter.namespace'],
    [{ connection, namespace: 'a.b' }, 'natsAdapter.namespace'],
    [{ connection, namespace: 'x'.repeat(65) }, 'natsAdapter.namespace'],
    [{ connection, namespace: 1 }, 'natsAdapter.namespace'],
    [{ connection, secret: '' }, 'natsAdapter.secret'],
    [{ connection, secret: 'too short' }, 'natsAdapter.secret'],
    [{ connection, secret: [] }, 'natsAdapter.secret'],
    [{ connection, secret: ['a long enough secret', 'short'] }, 'natsAdapter.secret'],
    [{ connection, secret: 1234567890123456 }, 'natsAdapter.secret'],
    [{ connection, replicas: 0 }, 'natsAdapter.replicas'],
    [{ connection, replicas: 6 }, 'natsAdapter.replicas'],
    [{ connection, storage: 'disk' }, 'natsAdapter.storage'],
    [{ connection, commandTimeout: 0 }, 'natsAdapter.commandTimeout'],
    [{ connection, commandTimeout: Infinity }, 'natsAdapter.commandTimeout']
  ] as const
  for (const [options, name] of mistakes) t.throws(() => adapterOf(options), { code: 'FST_ERR_WS_OPTION', message: new RegExp(`^option ${name}: `) }, name)
})

t.test('what is meant is taken', async t => {
  t.doesNotThrow(() => adapterOf({ connection }))
  t.doesNotThrow(() => adapterOf({ connection, jetstream, namespace: 'A-z_0', secret: ['a long enough secret', Buffer.alloc(16)], replicas: 5, storage: 'memory', commandTimeout: 1 }))
})

t.test('without JetStream there is no history', async t => {
  t.equal(natsAdapter({ connection }).history, null)
  t.not(natsAdapter({ connection, jetstream: { ...jetstream, publish: async () => ({ stream: '', seq: 0 }) } }).history, null)
})
