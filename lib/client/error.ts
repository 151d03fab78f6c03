import type { ClientErrorCode } from '../../types/client.ts'

/** What a request, a loop or a send fails with. */
export class WsClientError extends Error {
  /** One of `ClientErrorCode`, or the server's: `FST_ERR_WS_INVALID_MESSAGE` … */
  readonly code: ClientErrorCode | (string & {})
  /** What the server's validator found. */
  readonly errors: readonly unknown[]
  override readonly name = 'WsClientError'

  constructor (code: ClientErrorCode | (string & {}), message: string, errors: readonly unknown[] = []) {
    super(message)
    this.code = code
    this.errors = errors
  }
}
