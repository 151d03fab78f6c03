import type { Envelope, HistoryEvent, HistoryPage, HistorySettings, MessageEnvelope, Position } from '../../../types/adapter.ts'
import { checkWhole, maxDelay } from '../../check-option.ts'
import { FST_ERR_WS_ENVELOPE } from '../../errors.ts'
import { envelopeOf } from '../envelope.ts'

/*
 * What goes over the IPC channel: plain objects with our name as a field, so that those of the application are left alone. Strings stay what they are and bytes become base64, whichever
 * `serialization` was chosen: with JSON that is twice as fast as the bytes of EnvelopeCodec, and with `'advanced'` as fast.
 *
 * A session begins with `hello` from a worker and `welcome` from the primary. Then both send items, of which each end counts those that it has sent and those that it has taken: as the
 * channel keeps order and loses nothing, the number taken says what became of all before it.
 */
const name = 'fastify-typed-ws'
const version = 1

export type Message = Hello | Welcome | Lost | Items

/** A worker's node begins a session. */
export interface Hello { readonly kind: 'hello', readonly session: string, readonly node: string }
export interface Welcome { readonly kind: 'welcome', readonly session: string }
/** The primary knows no such session, or does not want it. */
export interface Lost { readonly kind: 'lost', readonly session: string, readonly reason: string }

export interface Items {
  readonly kind: 'items'
  readonly session: string
  /** How many items were sent, with these. */
  readonly sent: number
  /** How much these weigh, by the sender's account. */
  readonly weight: number
  /** How many of the other end's items were taken. */
  readonly taken: number
  readonly items: readonly unknown[]
}

/** What a worker asks for. It is known to be done when it is taken. */
export type Request<Any = object, Kept = object> =
  readonly ['ping'] |
  readonly ['bye'] |
  readonly ['subscribe' | 'unsubscribe', channel: string] |
  readonly ['publish', channel: string, envelope: Any] |
  readonly ['append', channel: string, envelopes: readonly Kept[], settings: HistorySettings] |
  readonly ['read', channel: string, after: Position | null, settings: HistorySettings]

/** What the primary tells. `id`: which of the items of the worker it is about. */
export type Report =
  readonly ['envelope', channel: string, envelope: object] |
  readonly ['event', channel: string, event: object] |
  readonly ['page', id: number, page: object] |
  readonly ['refused', id: number, reason: string]

export function write (message: Message): object {
  return { [name]: version, ...message }
}

/**
 * Its mirror; null for what is none of ours.
 *
 * @throws FST_ERR_WS_ENVELOPE
 */
export function read (value: unknown): Message | null {
  if (!isObject(value) || !Object.hasOwn(value, name)) return null
  if (value[name] !== version) throw refuse(`version ${String(value[name])}, and this process knows ${version}`)
  const { kind } = value
  const session = idOf('session', value.session)
  switch (kind) {
    case 'hello': return { kind, session, node: idOf('node', value.node) }
    case 'welcome': return { kind, session }
    case 'lost': return { kind, session, reason: stringOf('reason', value.reason, 1_000) }
    case 'items': return { kind, session, sent: countOf('sent', value.sent), weight: countOf('weight', value.weight), taken: countOf('taken', value.taken), items: listOf('items', value.items) }
    default: throw refuse('unknown kind')
  }
}

/** @throws FST_ERR_WS_ENVELOPE, FST_ERR_WS_OPTION */
export function readRequest (item: unknown): Request<Envelope, MessageEnvelope> {
  const [kind, channel, subject, settings] = listOf('item', item)
  switch (kind) {
    case 'ping':
    case 'bye': return [kind]
    case 'subscribe':
    case 'unsubscribe': return [kind, channelOf(channel)]
    case 'publish': return [kind, channelOf(channel), readEnvelope(subject)]
    case 'append': return [kind, channelOf(channel), listOf('envelopes', subject).map(readMessage), settingsOf(settings)]
    case 'read': return [kind, channelOf(channel), subject === null ? null : positionOf(subject), settingsOf(settings)]
    default: throw refuse('unknown item')
  }
}

/** What it carries is read by the four functions below. */
export function readReport (item: unknown): Report {
  const [kind, subject, body] = listOf('item', item)
  switch (kind) {
    case 'envelope':
    case 'event': return [kind, channelOf(subject), objectOf(kind, body)]
    case 'page': return [kind, countOf('id', subject), objectOf(kind, body)]
    case 'refused': return [kind, countOf('id', subject), stringOf('reason', body, 1_000)]
    default: throw refuse('unknown item')
  }
}

export function writeEnvelope (envelope: Envelope): object {
  return envelope.kind !== 'close' && typeof envelope.payload !== 'string' ? { ...envelope, payload: envelope.payload.toString('base64') } : envelope
}

export function readEnvelope (value: unknown): Envelope {
  const plain = objectOf('envelope', value)
  if (plain.kind === 'close') return envelopeOf(plain, '')
  const { payload } = plain
  if (typeof payload !== 'string') throw refuse('payload is no string')
  return envelopeOf(plain, plain.kind === 'binary' ? Buffer.from(payload, 'base64') : payload)
}

export function readMessage (value: unknown): MessageEnvelope {
  const envelope = readEnvelope(value)
  if (envelope.kind === 'close' || envelope.kind === 'control') throw refuse('not a message')
  return envelope
}

export function writeEvent (event: HistoryEvent): object {
  return { ...event, envelope: writeEnvelope(event.envelope) }
}

export function readEvent (value: unknown): HistoryEvent {
  const { previous, envelope, ...position } = objectOf('event', value)
  return { ...positionOf(position), previous: countOf('previous', previous), envelope: readMessage(envelope) }
}

export function writePage (page: HistoryPage): object {
  return { ...page, events: page.events.map(writeEvent) }
}

export function readPage (value: unknown): HistoryPage {
  const { epoch, head, floor, events } = objectOf('page', value)
  return { epoch: epochOf(epoch), head: countOf('head', head), floor: countOf('floor', floor), events: listOf('events', events).map(readEvent) }
}

/** What every item costs besides what it carries, about. */
const itemWeight = 256

/** How much memory an item takes on its way, about, in bytes. */
export function weightOf (channel: string, envelopes: readonly Envelope[] = []): number {
  let weight = itemWeight + channel.length
  for (const envelope of envelopes) {
    weight += itemWeight
    if (envelope.kind === 'close') continue
    weight += envelope.payload.length
    if (envelope.kind !== 'control') weight += envelope.except.length * 32
  }
  return weight
}

const idPattern = /^[\w-]{1,64}$/
const epochPattern = /^[A-Za-z0-9]{1,64}$/
/** A channel, behind a namespace. */
const maxChannel = 400

function refuse (why: string): Error {
  return new FST_ERR_WS_ENVELOPE(why)
}

function isObject (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function objectOf (what: string, value: unknown): Record<string, unknown> {
  if (!isObject(value)) throw refuse(`${what} is no object`)
  return value
}

function listOf (what: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw refuse(`${what} is no list`)
  return value
}

function stringOf (what: string, value: unknown, most: number): string {
  if (typeof value !== 'string' || value.length > most) throw refuse(`${what} is no string of up to ${most} characters`)
  return value
}

function idOf (what: string, value: unknown): string {
  if (typeof value !== 'string' || !idPattern.test(value)) throw refuse(`${what} is no id`)
  return value
}

function epochOf (value: unknown): string {
  if (typeof value !== 'string' || !epochPattern.test(value)) throw refuse('epoch is none')
  return value
}

function countOf (what: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw refuse(`${what} is no count`)
  return value
}

function channelOf (value: unknown): string {
  return stringOf('channel', value, maxChannel)
}

function positionOf (value: unknown): Position {
  const { epoch, offset } = objectOf('position', value)
  return { epoch: epochOf(epoch), offset: countOf('offset', offset) }
}

function settingsOf (value: unknown): HistorySettings {
  const { size, ttl } = objectOf('settings', value)
  checkWhole('history.size', size, 1, maxDelay)
  checkWhole('history.ttl', ttl, 1, maxDelay)
  return { size: size as number, ttl: ttl as number }
}
