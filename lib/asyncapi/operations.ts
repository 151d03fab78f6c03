import type { AsyncApiObject, AsyncApiOptions } from '../../types/asyncapi.ts'
import type { WsRoute } from '../../types/fastify.ts'
import { FST_ERR_WS_ASYNCAPI } from '../errors.ts'
import { describeTags } from './channels.ts'
import { referTo } from './messages.ts'
import type { ChannelMessages, Message } from './messages.ts'
import { camelCase, capitalize, toPointer } from './names.ts'
import type { Names } from './names.ts'

/** What the application does with a channel: it receives, a message that is answered in an operation of its own, and sends. */
export function describeOperations (channel: string, route: WsRoute, messages: ChannelMessages, names: Names, options: AsyncApiOptions): Record<string, AsyncApiObject> {
  const { schema } = route
  const operations: Record<string, AsyncApiObject> = {}
  const common = {
    channel: { $ref: toPointer('channels', channel) },
    ...describeTags(schema?.tags, options.tags),
    ...describeSecurity(route, options),
    ...(schema?.deprecated === true ? { 'x-deprecated': true } : {})
  }
  const said = schema?.summary === undefined ? {} : { summary: schema.summary }
  const name = capitalize(channel)

  const unanswered = messages.received.filter(({ literal }) => literal === null || !messages.replies.has(literal))
  if (unanswered.length > 0) {
    operations[names.take(`receive${name}`)] = { action: 'receive', ...said, ...common, messages: referTo(channel, unanswered) }
  }
  for (const message of messages.received) {
    const replies = message.literal === null ? undefined : messages.replies.get(message.literal)
    if (replies === undefined) continue
    operations[names.take(`receive${name}${capitalize(camelCase(message.key))}`)] = {
      action: 'receive',
      ...summaryOf(message),
      ...common,
      messages: referTo(channel, [message]),
      // A message that is refused is answered with an error.
      reply: { channel: common.channel, messages: referTo(channel, [...replies, ...messages.own.filter(({ literal }) => literal === 'error')]) }
    }
  }
  const sent = [...messages.sent, ...messages.own]
  if (sent.length > 0) {
    operations[names.take(`send${name}`)] = { action: 'send', ...said, ...common, messages: referTo(channel, sent) }
  }
  return operations
}

function summaryOf ({ body }: Message): AsyncApiObject {
  const summary = body.summary ?? body.title
  return summary === undefined ? {} : { summary }
}

/**
 * AsyncAPI says which schemes there are, any of which will do. Where several are needed together, `x-security` has it as the route does.
 *
 * @throws FST_ERR_WS_ASYNCAPI
 */
function describeSecurity ({ url, schema }: WsRoute, { securitySchemes = {} }: AsyncApiOptions): AsyncApiObject {
  const requirements = schema?.security ?? []
  const schemes = new Map<string, AsyncApiObject>()
  for (const [name, scopes] of requirements.flatMap(requirement => Object.entries(requirement))) {
    if (!Object.hasOwn(securitySchemes, name)) {
      throw new FST_ERR_WS_ASYNCAPI(`schema.security of ${url} names ${name}, which is none of the option securitySchemes`)
    }
    const scheme = scopes.length === 0 ? { $ref: toPointer('components', 'securitySchemes', name) } : { ...securitySchemes[name], scopes }
    schemes.set(JSON.stringify([name, scopes]), scheme)
  }
  return {
    ...(schemes.size === 0 ? {} : { security: [...schemes.values()] }),
    ...(requirements.some(requirement => Object.keys(requirement).length !== 1) ? { 'x-security': requirements } : {})
  }
}
