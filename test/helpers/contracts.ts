import Fastify from 'fastify'
import { ReceiveContract } from '../../lib/messages/receive-contract.ts'
import type { Handlers } from '../../lib/messages/receive-contract.ts'
import { SendContract } from '../../lib/messages/send-contract.ts'
import { CompilerPool } from '../../lib/route/compilers.ts'
import type { MessageCompilers } from '../../lib/route/compilers.ts'

/** The compilers that a route gets when the application sets none. */
export function usualCompilers (shared: readonly object[] = []): MessageCompilers {
  const app = Fastify()
  for (const schema of shared) app.addSchema(schema)
  return new CompilerPool({}).of(app, { validator: undefined, serializer: undefined })
}

export function sendContract (schema: unknown, shared?: readonly object[]): SendContract {
  const compilers = usualCompilers(shared)
  return SendContract.compile(schema, part => compilers.serializer(part, '/'), compilers.shared)
}

export function receiveContract<Handler> (schema: unknown, handlers: Handlers<Handler>, shared?: readonly object[]): ReceiveContract<Handler> {
  const compilers = usualCompilers(shared)
  return ReceiveContract.compile(schema, handlers, compilers.validator(schema, '/'), compilers.shared)
}
