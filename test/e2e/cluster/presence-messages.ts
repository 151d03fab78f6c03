import type { PresenceNotice, PresenceNotices, PresentMember, WsPluginOptions } from '../../../types/index.ts'
import type { CarrierSettings } from './carriers.ts'

/** What a server is told when it starts: JSON. */
export interface PresenceSettings {
  readonly carrier: CarrierSettings
  readonly nodes: WsPluginOptions['nodes']
  readonly notify: PresenceNotices
}

/** What a client asks of its server. */
export interface PresenceAsk {
  readonly ask: 'join' | 'crowd' | 'members' | 'local' | 'nodes' | 'join key' | 'leave key' | 'close'
  readonly room: string
  readonly key?: string
  /** How many of the crowd there are to be in this process. */
  readonly count?: number
}

/** What it is answered; one that fails is an `error`. */
export type PresenceReply = { readonly id: number } & (
  | { readonly type: 'done' | 'error' }
  | { readonly type: 'members', readonly count: number, readonly members: readonly PresentMember[] }
  | { readonly type: 'local', readonly ids: readonly string[] }
  | { readonly type: 'nodes', readonly nodes: readonly string[] }
  | { readonly type: 'moved', readonly count: number }
)

export type PresenceMessage = PresenceReply | PresenceNotice
