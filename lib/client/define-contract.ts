import type { ContractSchemas, TypeOf } from '../../types/contract.ts'
import type { LiteralOf } from '../../types/union.ts'

/** A schema without a static type allows any name. */
type RepliesOf<C extends ContractSchemas> = C extends { receive: { static: unknown } }
  ? { readonly [Literal in keyof C['replies']]: `${Literal & (string | number)}` extends `${LiteralOf<TypeOf<C['receive']>>}` ? unknown : never }
  : unknown

/**
 * What a route and its clients have in common. It answers what it is given; a reply to a message that is not received does not compile.
 *
 * ```ts
 * export const chat = defineContract({ receive: Type.Union([Join, Say]), send: Said, replies: { join: Joined } })
 *
 * app.ws('/chat', { schema: chat }, handlers)        // on the server
 * const socket = connect<typeof chat>('/chat')       // in the browser, by `import type { chat }`
 * ```
 */
export function defineContract<const C extends ContractSchemas> (contract: C & { readonly replies?: RepliesOf<C> }): C {
  return contract
}
