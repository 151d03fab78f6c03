import { defineContract } from './client/define-contract.ts'
import { plugin } from './plugin.ts'
import { memoryAdapter, MemoryHub } from './rooms/memory-adapter.ts'

/** What `require` answers is the plugin itself, as Fastify's users expect: what else is exported hangs on it. */
const required = Object.assign(plugin, { plugin, defineContract, memoryAdapter, MemoryHub })

export { plugin as default, plugin, defineContract, memoryAdapter, MemoryHub, required as 'module.exports' }
export type * from '../types/index.ts'
