import { plugin } from './plugin.ts'

export { plugin as default, plugin, plugin as 'module.exports' }
export { memoryAdapter, MemoryHub } from './rooms/memory-adapter.ts'
export type * from '../types/index.ts'
