import type { Section } from './case.ts'
import { messages } from './cases/1-messages.ts'
import { pings } from './cases/2-pings.ts'
import { reservedBits } from './cases/3-reserved-bits.ts'
import { opcodes } from './cases/4-opcodes.ts'
import { fragmentation } from './cases/5-fragments.ts'
import { utf8 } from './cases/6-utf8.ts'
import { closing } from './cases/7-closing.ts'
import { headers } from './cases/8-headers.ts'
import { limits } from './cases/9-limits.ts'
import { tcp } from './cases/10-tcp.ts'
import { handshake } from './cases/11-handshake.ts'
import { compressedMessages } from './cases/12-compressed-messages.ts'
import { negotiation } from './cases/13-negotiation.ts'
import { streams } from './cases/14-streams.ts'
import { overHttp2 } from './cases/15-http2.ts'
import { http2Frames } from './cases/16-http2-frames.ts'

/** Every case, by section. */
export const table: readonly Section[] = [
  messages, pings, reservedBits, opcodes, fragmentation, utf8, closing, headers, limits, tcp, handshake, compressedMessages, negotiation, streams,
  overHttp2, http2Frames
]
