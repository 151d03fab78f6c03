import { core } from './core.ts'
import { deflate } from './deflate.ts'
import { handshake } from './handshake.ts'
import { server } from './server.ts'
import type { Target } from './target.ts'
import { utf8 } from './utf8.ts'
import { wsOracle } from './ws-oracle.ts'

/** All of them, the quick ones first. */
export const targets: readonly Target[] = [core, utf8, wsOracle, handshake, server, deflate]
