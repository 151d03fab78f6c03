import type { AsyncApiObject, AsyncApiOptions } from '../../types/asyncapi.ts'
import type { WsRoute } from '../../types/fastify.ts'
import { isObject, resolve, scopeOf } from '../messages/references.ts'
import type { JsonSchema } from '../messages/references.ts'
import { toAddress } from './address.ts'
import type { Parameter } from './address.ts'
import type { ChannelMessages } from './messages.ts'
import { camelCase, toKey, toPointer } from './names.ts'
import type { Schemas } from './schemas.ts'

/** What a channel is called: its `operationId`, else its URL and what else tells it from others, in one word. */
export function channelName ({ url, schema, constraints }: WsRoute): string {
  if (schema?.operationId !== undefined) return toKey(schema.operationId)
  const { address } = toAddress(url)
  const told = Object.entries(constraints).flatMap(([name, value]) => [name, String(value)])
  return toKey(camelCase([address.replace('{wildcard}', 'any'), ...told].join('/')) || 'root')
}

/** A URL, and what goes over it. */
export function describeChannel (route: WsRoute, messages: ChannelMessages, schemas: Schemas, options: AsyncApiOptions): AsyncApiObject {
  const { url, constraints, contentTypes, maxPayload, sharedSchemas: shared } = route
  const { summary, description, deprecated, tags } = route.schema ?? {}
  const { address, parameters } = toAddress(url)
  const subprotocols = route.subprotocols ?? []
  return {
    address: address === '' ? '/' : address,
    title: [url === '' ? '/' : url, ...Object.entries(constraints).map(([name, value]) => `(${name} ${String(value)})`)].join(' '),
    ...(summary === undefined ? {} : { summary }),
    ...(description === undefined ? {} : { description }),
    ...(deprecated === true ? { 'x-deprecated': true } : {}),
    ...(options.servers === undefined ? {} : { servers: Object.keys(options.servers).map(name => ({ $ref: toPointer('servers', name) })) }),
    ...(parameters.length === 0 ? {} : { parameters: describeParameters(parameters, route.operation.params, shared) }),
    messages: messages.all,
    ...describeTags(tags, options.tags),
    bindings: { ws: describeUpgrade(route, subprotocols, schemas) },
    'x-max-payload': maxPayload,
    ...(subprotocols.length === 0 ? {} : { 'x-subprotocols': Object.fromEntries(subprotocols.map(name => [name, contentTypes[Object.hasOwn(contentTypes, name) ? name : '']])) })
  }
}

/** Tags by name, with what the options say of them. */
export function describeTags (names: readonly string[] = [], known: AsyncApiOptions['tags'] = []): AsyncApiObject {
  if (names.length === 0) return {}
  return { tags: [...new Set(names)].map(name => known.find(tag => tag.name === name) ?? { name }) }
}

/** The upgrade request. */
function describeUpgrade (route: WsRoute, subprotocols: readonly string[], schemas: Schemas): AsyncApiObject {
  // As Fastify has them: it reads schemas of other kinds, too.
  const { querystring, headers } = route.operation
  const query = objectOf(querystring, route, schemas)
  const required = objectOf(headers, route, schemas)
  const named: AsyncApiObject = {
    ...(subprotocols.length === 0 ? {} : { 'Sec-WebSocket-Protocol': { type: 'string', description: 'The subprotocols that the client speaks, the best first.', examples: [subprotocols.join(', ')] } }),
    ...(route.constraints.version === undefined ? {} : { 'Accept-Version': { type: 'string', const: String(route.constraints.version) } })
  }
  const all = Object.keys(named).length === 0 ? required : withProperties(required ?? { type: 'object', properties: {} }, named)
  return {
    method: 'GET',
    ...(query === null ? {} : { query }),
    ...(all === null ? {} : { headers: all }),
    bindingVersion: '0.1.0'
  }
}

/** The bindings want an object with properties, and no reference to one. */
function objectOf (schema: unknown, route: WsRoute, schemas: Schemas): JsonSchema | null {
  if (schema === undefined) return null
  const scope = scopeOf(schema, route.sharedSchemas)
  const resolved = resolve(schema, scope) ?? { schema, scope }
  const whole = schemas.convert(resolved.schema, resolved.scope)
  if (isObject(whole) && isObject(whole.properties)) return { type: 'object', ...whole }
  return { type: 'object', properties: {}, allOf: [whole] }
}

function withProperties (schema: JsonSchema, more: AsyncApiObject): JsonSchema {
  return { ...schema, properties: { ...(isObject(schema.properties) ? schema.properties : {}), ...more } }
}

function describeParameters (parameters: readonly Parameter[], params: unknown, shared: WsRoute['sharedSchemas']): AsyncApiObject {
  return Object.fromEntries(parameters.map(parameter => [parameter.name, describeParameter(parameter, params, shared)]))
}

/** AsyncAPI knows no schemas of parameters: what it can say of them as strings. */
function describeParameter ({ key, pattern, isOptional }: Parameter, params: unknown, shared: WsRoute['sharedSchemas']): AsyncApiObject {
  const all = resolve(params, scopeOf(params, shared))
  const declared = all !== null && isObject(all.schema.properties) && Object.hasOwn(all.schema.properties, key) ? all.schema.properties[key] : undefined
  const schema = all === null ? {} : resolve(declared, all.scope)?.schema ?? {}
  const said = [
    schema.description,
    isOptional ? 'May be left out.' : undefined,
    key === '*' && schema.description === undefined ? 'The rest of the path.' : undefined,
    pattern === null ? undefined : `Matches \`${pattern}\`.`
  ].filter(sentence => typeof sentence === 'string')
  const values = valuesOf(schema)
  return {
    ...(said.length === 0 ? {} : { description: said.join(' ') }),
    ...(values.length === 0 ? {} : { enum: values.map(String) }),
    ...(schema.default === undefined ? {} : { default: String(schema.default) }),
    ...(Array.isArray(schema.examples) && schema.examples.length > 0 ? { examples: schema.examples.map(String) } : {})
  }
}

/** All values that a parameter can have, where they are listed: as `enum`, as `const`, or as a union of these. */
function valuesOf (schema: JsonSchema): readonly unknown[] {
  if (schema.const !== undefined) return [schema.const]
  if (Array.isArray(schema.enum)) return schema.enum
  const union = schema.anyOf ?? schema.oneOf
  if (!Array.isArray(union)) return []
  const values = union.map(member => isObject(member) ? valuesOf(member) : [])
  return values.every(list => list.length > 0) ? values.flat() : []
}
