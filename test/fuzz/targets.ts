import { core } from './core.ts'
import { deflate } from './deflate.ts'
import { handshake } from './handshake.ts'
import { server } from './server.ts'
import type { Target } from './target.ts'
import { wsOracle } from './ws-oracle.ts'

/** All of them, the quick ones first. */
export const targets: readonly Target[] = [core, wsOracle, handshake, server, deflate]
