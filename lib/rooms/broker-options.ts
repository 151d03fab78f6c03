import { FST_ERR_WS_OPTION } from '../errors.ts'

/* The options that all adapters have. */

export const defaultNamespace = 'typed-ws'

/** In bytes. */
const leastSecret = 16

/**
 * @param name of the option
 *
 * @throws FST_ERR_WS_OPTION
 */
export function resolveNamespace (name: string, namespace: unknown = defaultNamespace): string {
  if (typeof namespace !== 'string' || !/^[\w-]{1,64}$/.test(namespace)) throw new FST_ERR_WS_OPTION(name, 'must be 1 to 64 of A–Z, a–z, 0–9, - and _')
  return namespace
}

/**
 * None where there is no such option: then nothing is signed.
 *
 * @throws FST_ERR_WS_OPTION
 */
export function resolveSecrets (name: string, secret: unknown): ReadonlyArray<string | Buffer> {
  if (secret === undefined) return []
  const secrets: readonly unknown[] = Array.isArray(secret) ? [...secret] : [secret]
  if (secrets.length === 0 || !secrets.every(isSecret)) throw new FST_ERR_WS_OPTION(name, `must be a string or a Buffer of at least ${leastSecret} bytes, or a list of them`)
  return secrets
}

function isSecret (secret: unknown): secret is string | Buffer {
  return (typeof secret === 'string' || Buffer.isBuffer(secret)) && Buffer.byteLength(secret) >= leastSecret
}
