import type { NatsAdapterOptions, NatsConnectionLike, NatsJetStreamLike } from '../../../types/nats.ts'
import { checkFields, checkWhole } from '../../check-option.ts'
import { FST_ERR_WS_OPTION } from '../../errors.ts'

export interface ResolvedNatsOptions {
  readonly connection: NatsConnectionLike
  readonly jetstream: NatsJetStreamLike | null
  readonly namespace: string
  readonly secrets: ReadonlyArray<string | Buffer>
  readonly replicas: number
  readonly storage: 'file' | 'memory'
  readonly commandTimeout: number
}

const defaults = Object.freeze({
  namespace: 'typed-ws',
  replicas: 1,
  storage: 'file' as const,
  /** milliseconds */
  commandTimeout: 2_000
})

const fields = ['connection', 'jetstream', 'namespace', 'secret', 'replicas', 'storage', 'commandTimeout']
const connectionMethods = ['publish', 'subscribe', 'request', 'flush', 'status', 'isClosed']
const namespacePattern = /^[\w-]{1,64}$/
const leastSecret = 16

/** @throws FST_ERR_WS_OPTION */
export function resolveNatsOptions (options: NatsAdapterOptions): ResolvedNatsOptions {
  checkFields('natsAdapter', options, fields)
  const { connection, jetstream, secret } = options
  const { namespace, replicas, storage, commandTimeout } = withDefaults(options)
  if (!hasMethods(connection, connectionMethods)) throw new FST_ERR_WS_OPTION('natsAdapter.connection', 'must be a connection of @nats-io/transport-node 3, not a promise of one')
  if (jetstream !== undefined && !isJetStream(jetstream)) throw new FST_ERR_WS_OPTION('natsAdapter.jetstream', 'must be what jetstream(connection) of @nats-io/jetstream 3 answers')
  if (typeof namespace !== 'string' || !namespacePattern.test(namespace)) throw new FST_ERR_WS_OPTION('natsAdapter.namespace', 'must be 1 to 64 of A–Z, a–z, 0–9, - and _')
  if (storage !== 'file' && storage !== 'memory') throw new FST_ERR_WS_OPTION('natsAdapter.storage', "must be 'file' or 'memory'")
  checkWhole('natsAdapter.replicas', replicas, 1, 5)
  checkWhole('natsAdapter.commandTimeout', commandTimeout, 1, 60_000)
  return { connection, jetstream: jetstream ?? null, namespace, secrets: secretsOf(secret), replicas, storage, commandTimeout }
}

function withDefaults (options: NatsAdapterOptions): Required<Pick<NatsAdapterOptions, keyof typeof defaults>> {
  const { namespace = defaults.namespace, replicas = defaults.replicas, storage = defaults.storage, commandTimeout = defaults.commandTimeout } = options
  return { namespace, replicas, storage, commandTimeout }
}

function hasMethods (value: unknown, methods: readonly string[]): boolean {
  return typeof value === 'object' && value !== null && methods.every(method => typeof Reflect.get(value, method) === 'function')
}

function isJetStream (value: unknown): boolean {
  return hasMethods(value, ['publish']) && typeof Reflect.get(value as object, 'apiPrefix') === 'string'
}

function secretsOf (secret: NatsAdapterOptions['secret']): ReadonlyArray<string | Buffer> {
  if (secret === undefined) return []
  const secrets: readonly unknown[] = Array.isArray(secret) ? secret : [secret]
  if (secrets.length === 0 || !secrets.every(isSecret)) throw new FST_ERR_WS_OPTION('natsAdapter.secret', `must be a string or Buffer of at least ${leastSecret} bytes, or a list of such`)
  return [...secrets]
}

function isSecret (secret: unknown): secret is string | Buffer {
  return (typeof secret === 'string' || Buffer.isBuffer(secret)) && Buffer.byteLength(secret) >= leastSecret
}
