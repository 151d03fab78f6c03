import type { FastifyRequest } from 'fastify'
import type { SubprotocolsOption } from '../../types/options.ts'
import { FST_ERR_WS_OPTION } from '../errors.ts'
import type { CodecChoice } from '../messages/codec.ts'
import { isToken } from '../protocol/handshake-error.ts'

/** Chooses the subprotocol of a connection; `''` for none. */
export type ChooseSubprotocol = (offered: readonly string[], request: FastifyRequest) => string

/**
 * The first of the client's subprotocols that the server has (RFC 6455 section 4.2.2): always one of the server's.
 *
 * @throws FST_ERR_WS_OPTION
 */
export function compileSubprotocols (option: SubprotocolsOption | null, codecs: CodecChoice): ChooseSubprotocol {
  if (typeof option === 'function') {
    return (offered, request) => {
      const chosen: unknown = option(offered, request)
      if (chosen instanceof Promise) {
        chosen.catch(ignore)
        throw new FST_ERR_WS_OPTION('subprotocols', 'the function must answer at once, not a promise')
      }
      return typeof chosen === 'string' && offered.includes(chosen) ? chosen : ''
    }
  }
  if (option !== null && !Array.isArray(option)) throw new FST_ERR_WS_OPTION('subprotocols', 'must be a list of names, or a function')
  const own = new Set<unknown>(option ?? codecs.bySubprotocol?.keys() ?? [])
  for (const name of own) {
    if (typeof name !== 'string' || !isToken(name)) throw new FST_ERR_WS_OPTION('subprotocols', `${String(name)} is not a token`)
  }
  return offered => offered.find(name => own.has(name)) ?? ''
}

function ignore (): void {}
