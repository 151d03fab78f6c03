import { plugin } from './plugin.ts'

/** What `require` answers is the plugin itself, with the named export on it. */
const required = Object.assign(plugin, { plugin })

export { plugin as default, plugin, required as 'module.exports' }
export type * from '../../types/asyncapi.ts'
