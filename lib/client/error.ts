import type { ClientErrorCode } from '../../types/client.ts'
import type { ErrorMessage } from '../../types/notices.ts'

/** What a request, a loop or a send fails with. */
export class WsClientError extends Error {
  /** One of `ClientErrorCode`, or the server's: `FST_ERR_WS_INVALID_MESSAGE` … */
  readonly code: ClientErrorCode | (string & {})
  /** What the server's validator found. */
  readonly errors: readonly unknown[]

  constructor (code: ClientErrorCode | (string & {}), message: string, errors: readonly unknown[] = []) {
    super(message)
    this.name = 'WsClientError'
    this.code = code
    this.errors = errors
  }

  /** @param message an `ErrorMessage`, as far as the server keeps to it */
  static of (message: { readonly [field: string]: unknown }): WsClientError {
    const { code, message: text, errors } = message as Partial<ErrorMessage>
    return new WsClientError(code ?? '', text ?? '', errors)
  }
}
