/**
 * The AsyncAPI document of a server, and its pages.
 *
 * @module fastify-typed-ws/asyncapi
 */
import { plugin } from './plugin.ts'

/** What `require` answers is the plugin itself, with the named export on it. @hidden */
const required = Object.assign(plugin, { plugin })

export { plugin as default, plugin, required as 'module.exports' }
export type * from '../../types/asyncapi.ts'
