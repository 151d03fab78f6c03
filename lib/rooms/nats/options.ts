import type { NatsAdapterOptions, NatsConnectionLike, NatsJetStreamLike } from '../../../types/nats.ts'
import { checkFields, checkWhole } from '../../check-option.ts'
import { FST_ERR_WS_OPTION } from '../../errors.ts'
import { resolveNamespace, resolveSecrets } from '../broker-options.ts'

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
  replicas: 1,
  storage: 'file' as const,
  /** milliseconds */
  commandTimeout: 2_000
})

const fields = ['connection', 'jetstream', 'namespace', 'secret', 'replicas', 'storage', 'commandTimeout']
const connectionMethods = ['publish', 'subscribe', 'request', 'flush', 'status', 'isClosed']

/** @throws FST_ERR_WS_OPTION */
export function resolveNatsOptions (options: NatsAdapterOptions): ResolvedNatsOptions {
  checkFields('natsAdapter', options, fields)
  const { connection, jetstream } = options
  const { replicas, storage, commandTimeout } = withDefaults(options)
  if (!hasMethods(connection, connectionMethods)) throw new FST_ERR_WS_OPTION('natsAdapter.connection', 'must be a connection of @nats-io/transport-node 3, not a promise of one')
  if (jetstream !== undefined && !isJetStream(jetstream)) throw new FST_ERR_WS_OPTION('natsAdapter.jetstream', 'must be what jetstream(connection) of @nats-io/jetstream 3 answers')
  if (storage !== 'file' && storage !== 'memory') throw new FST_ERR_WS_OPTION('natsAdapter.storage', "must be 'file' or 'memory'")
  checkWhole('natsAdapter.replicas', replicas, 1, 5)
  checkWhole('natsAdapter.commandTimeout', commandTimeout, 1, 60_000)
  return {
    connection,
    jetstream: jetstream ?? null,
    namespace: resolveNamespace('natsAdapter.namespace', options.namespace),
    secrets: resolveSecrets('natsAdapter.secret', options.secret),
    replicas,
    storage,
    commandTimeout
  }
}

function withDefaults (options: NatsAdapterOptions): Required<Pick<NatsAdapterOptions, keyof typeof defaults>> {
  const { replicas = defaults.replicas, storage = defaults.storage, commandTimeout = defaults.commandTimeout } = options
  return { replicas, storage, commandTimeout }
}

function hasMethods (value: unknown, methods: readonly string[]): boolean {
  return typeof value === 'object' && value !== null && methods.every(method => typeof Reflect.get(value, method) === 'function')
}

function isJetStream (value: unknown): boolean {
  return hasMethods(value, ['publish']) && typeof Reflect.get(value as object, 'apiPrefix') === 'string'
}
