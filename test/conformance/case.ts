/** What a case is made of: data, so that one table can be run against any server. */
import type { Deflation } from './deflation.ts'

/** Bytes to send, those of a compressed message made once it is known what was agreed on. Large ones are made when they are needed. */
export type Bytes = Buffer | ((deflation: Deflation) => Buffer)

/** What a message or a pong must carry. */
export type Content = string | Buffer | ((deflation: Deflation) => Buffer)

/** What the server must do. Messages come in order, and so do pongs; a pong may overtake messages. */
export type Expected =
  | { text: Content }
  | { binary: Content }
  | { pong: Content }
  /** A close frame with one of these codes (1005: none), then the end of the server's side, before the client's; nothing else before or after. */
  | { close: readonly number[], reason?: string }
  /** The end of the server's side, with or without a close frame: of TCP, or END_STREAM. */
  | { end: true }
  /** The end of the connection, by whatever the server ends it with. */
  | { gone: true }

export type Step =
  /** `pieces`: the size of the pieces that are written one by one, or the points to cut at. */
  | { send: Bytes, pieces?: number | readonly number[] }
  | { expect: readonly Expected[] }
  /** The client's side ends, of TCP or by END_STREAM; it goes on reading. */
  | { halfClose: true }
  /** The client resets TCP, or its stream with CANCEL; what follows is done on a new one. */
  | { reset: true }
  /** What another WebSocket does meanwhile, on a connection of its own or, over HTTP/2, in the same session. */
  | { beside: readonly Step[] }

export interface RequestSpec {
  method?: string
  httpVersion?: string
  /** Replaces the path of the server under test. */
  target?: (path: string, host: string) => string
  /** A value of null leaves a default header out; a list repeats the header. */
  headers?: Record<string, string | null | readonly string[]>
  /** Sent in the same segment as the request, or as the first DATA behind it. */
  head?: Buffer
  /** The size of the pieces that the request is written in, to TCP. */
  pieces?: number
  /** HTTP/2, in a bare session: the size of the pieces that the fields are sent in, HEADERS and then CONTINUATION. */
  blockPieces?: number
  /** HTTP/2: whether the stream ends with the request. */
  isEnded?: boolean
}

/** A session of HTTP/2 that a case has for itself. */
export interface SessionSpec {
  /** SETTINGS_INITIAL_WINDOW_SIZE: how much the server may send on a stream until it is read, in bytes. */
  window?: number
  /** What is sent are frames of HTTP/2 themselves, for stream 1. */
  isBare?: boolean
}

export interface ReplySpec {
  /** Default: it is accepted. A list: one of them. `refused`: any of 400 to 499. `malformed`: the same, or the end of the stream or its session. */
  status?: number | readonly number[] | 'refused' | 'malformed'
  /** What the reply's headers must match; null: must not be there. */
  headers?: Record<string, RegExp | null>
  /** Whether permessage-deflate must be, must not be, or may be agreed on. What is agreed on must fit the offer in any case. */
  deflate?: 'agreed' | 'declined' | 'either'
}

export interface CaseOptions {
  /** `deflate`: for servers that speak permessage-deflate only; `http1`, `http2`: where that is what carries WebSockets. */
  needs?: 'deflate' | 'http1' | 'http2'
  /** `deflate`: the extension is not offered, however the table is run. */
  without?: 'deflate'
  /** `permessage-deflate; …`, what the client offers. Default: the bare name where the table is run with deflate. */
  offer?: string | readonly string[]
  request?: RequestSpec
  reply?: ReplySpec
  /** Default: one of the sessions that cases share. Over HTTP/1.1 there are none. */
  session?: SessionSpec
  /** Moves megabytes: few run at a time. In a session of its own, since servers may refuse streams while a session holds so much. */
  heavy?: boolean
}

export interface Case extends CaseOptions {
  /** Section, group, number: `6.4.2`. */
  readonly id: string
  readonly title: string
  readonly group: Group
  readonly steps: readonly Step[]
}

export interface Group {
  /** `6.4` */
  readonly id: string
  readonly title: string
  /** The RFC and its section that the group is about. */
  readonly rfc: string
}

export interface Section {
  readonly number: number
  readonly title: string
  readonly cases: readonly Case[]
}

export type Add = (title: string, steps: readonly Step[], options?: CaseOptions) => void

export type AddGroup = (title: string, rfc: string, fill: (add: Add) => void, options?: CaseOptions) => void

/** A section, whose groups and cases are numbered as they are added. */
export function section (number: number, title: string, fill: (group: AddGroup) => void): Section {
  const cases: Case[] = []
  let groups = 0
  fill((groupTitle, rfc, fillGroup, groupOptions) => {
    const group = { id: `${number}.${++groups}`, title: groupTitle, rfc }
    let count = 0
    fillGroup((caseTitle, steps, options) => {
      cases.push({ ...groupOptions, ...options, id: `${group.id}.${++count}`, title: caseTitle, group, steps })
    })
  })
  return { number, title, cases }
}

/* Steps. */

export const send = (bytes: Bytes, pieces?: number | readonly number[]): Step => ({ send: bytes, pieces })
export const sendAll = (...bytes: Buffer[]): Step => ({ send: Buffer.concat(bytes) })
export const expect = (...expected: Expected[]): Step => ({ expect: expected })
export const halfClose: Step = { halfClose: true }
export const reset: Step = { reset: true }
export const beside = (...steps: Step[]): Step => ({ beside: steps })

/** The server fails the connection with this code. */
export const fails = (...close: number[]): Step => ({ expect: [{ close }] })

/* Payloads. */

/** Bytes of every value, the same in every run, that do not compress. */
export function noise (length: number): Buffer {
  const bytes = Buffer.alloc(length)
  let state = 0x2545f491
  for (let i = 0; i < length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[i] = state
  }
  return bytes
}

const words = 'The quick brown fox jumps over the lazy dog; zwölf Boxkämpfer jagen Viktor; いろはにほへと ちりぬるを; 🐙 '

/** Text of so many bytes that compresses well, of one to four bytes a character. */
export function prose (length: number): Buffer {
  const sentence = Buffer.from(words)
  const bytes = Buffer.alloc(length, 'x')
  for (let at = 0; at + sentence.length <= length; at += sentence.length) sentence.copy(bytes, at)
  return bytes
}
