import type { AsyncApiOptions, AsyncApiServer } from '../../types/asyncapi.ts'
import { checkFields } from '../check-option.ts'
import { FST_ERR_WS_OPTION } from '../errors.ts'

/** Options with nothing left to guess. */
export interface ResolvedAsyncApiOptions {
  /** What the document is made of, beside the routes. */
  readonly described: AsyncApiOptions
  /** Where its routes begin, `''` for the root; null for no routes. */
  readonly path: string | null
  readonly page: boolean
  readonly tryIt: boolean
  /** null for where it can be had */
  readonly yaml: boolean | null
  readonly hooks: NonNullable<AsyncApiOptions['hooks']>
}

/** `logLevel` and `logSerializers` are Fastify's own options of `register`. */
const names = new Set([
  'info', 'id', 'servers', 'securitySchemes', 'tags', 'externalDocs', 'path', 'page', 'tryIt', 'yaml', 'hooks', 'logLevel', 'logSerializers'
])

/** What AsyncAPI lets names in `components` be. */
const key = /^[\w.-]+$/

/** @throws FST_ERR_WS_OPTION */
export function resolveAsyncApiOptions (options: AsyncApiOptions): ResolvedAsyncApiOptions {
  for (const name of Object.keys(options)) {
    if (!names.has(name)) throw new FST_ERR_WS_OPTION(name, 'is not an option of the AsyncAPI document')
  }
  const { info, id, servers, securitySchemes, tags, externalDocs, path = '/asyncapi', yaml, hooks = {} } = options
  checkInfo(info)
  if (id !== undefined && !(typeof id === 'string' && URL.canParse(id))) throw new FST_ERR_WS_OPTION('id', 'must be a URI')
  for (const [name, server] of entriesOf('servers', servers)) checkServer(`servers.${name}`, server)
  for (const [name, scheme] of entriesOf('securitySchemes', securitySchemes)) checkText(`securitySchemes.${name}`, scheme, 'type')
  checkTags(tags)
  if (externalDocs !== undefined) checkText('externalDocs', externalDocs, 'url')
  checkHooks(hooks)
  if (path !== false && !(typeof path === 'string' && /^\/(?:[^:*]*[^:*/])?$/.test(path))) {
    throw new FST_ERR_WS_OPTION('path', 'must be a path that begins with a slash, and ends with none, or false')
  }
  const page = checkSwitch('page', options.page) ?? path !== false
  const tryIt = checkSwitch('tryIt', options.tryIt) ?? page
  checkSwitch('yaml', yaml)
  if (path === false && (page || tryIt || yaml === true)) throw new FST_ERR_WS_OPTION('path', 'is false: then there is neither a page nor YAML')
  return {
    described: { info, id, servers, securitySchemes, tags, externalDocs },
    path: path === false ? null : path === '/' ? '' : path,
    page,
    tryIt,
    yaml: yaml ?? null,
    hooks
  }
}

function checkSwitch (name: string, value: boolean | undefined): boolean | undefined {
  if (value !== undefined && typeof value !== 'boolean') throw new FST_ERR_WS_OPTION(name, 'must be true or false')
  return value
}

function checkInfo (info: AsyncApiOptions['info']): void {
  if (info === undefined) return
  checkObject('info', info)
  for (const name of ['title', 'version', 'description']) {
    if (info[name] !== undefined && typeof info[name] !== 'string') throw new FST_ERR_WS_OPTION(`info.${name}`, 'must be a string')
  }
}

function checkServer (name: string, server: AsyncApiServer): void {
  checkText(name, server, 'host')
  const { protocol = 'wss', host } = server
  if (/[/\s]/.test(host)) throw new FST_ERR_WS_OPTION(`${name}.host`, 'must be a host, with a port if need be, such as example.com:8443')
  if (protocol !== 'ws' && protocol !== 'wss') throw new FST_ERR_WS_OPTION(`${name}.protocol`, 'must be ws or wss')
}

function checkTags (tags: unknown): void {
  if (tags === undefined) return
  if (!Array.isArray(tags)) throw new FST_ERR_WS_OPTION('tags', 'must be a list of objects with a name')
  for (const [index, tag] of tags.entries()) checkText(`tags[${index}]`, tag, 'name')
}

function checkHooks (hooks: NonNullable<AsyncApiOptions['hooks']>): void {
  checkFields('hooks', hooks, ['onRequest', 'preHandler'])
  for (const [name, hook] of Object.entries(hooks)) {
    if (hook !== undefined && ![hook].flat().every(one => typeof one === 'function')) throw new FST_ERR_WS_OPTION(`hooks.${name}`, 'must be a function, or a list of these')
  }
}

function entriesOf<Value> (name: string, record: { readonly [name: string]: Value } | undefined): Array<[string, Value]> {
  if (record === undefined) return []
  checkObject(name, record)
  for (const one of Object.keys(record)) {
    if (!key.test(one)) throw new FST_ERR_WS_OPTION(`${name}.${one}`, 'may have letters, digits, dots, hyphens and underscores in its name')
  }
  return Object.entries(record)
}

function checkText (name: string, value: object, field: string): void {
  checkObject(name, value)
  if (typeof Object.entries(value).find(([one]) => one === field)?.[1] !== 'string') throw new FST_ERR_WS_OPTION(`${name}.${field}`, 'must be a string')
}

function checkObject (name: string, value: unknown): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new FST_ERR_WS_OPTION(name, 'must be an object')
}
