import type { HistoryEvent, HistoryPage, Position } from '../../../types/adapter.ts'
import type { JoinResult } from '../../../types/rooms.ts'
import type { MemoryHolder } from '../../connection/memory-budget.ts'
import { FST_ERR_WS_ROOM_UNAVAILABLE } from '../../errors.ts'
import { Broadcast } from '../../messages/broadcast.ts'
import { outside } from '../../outside.ts'
import { eventIdOf } from './event-id.ts'
import { Replay } from './replay.ts'
import type { Follower } from './replay.ts'
import { RetryPause } from './retry-pause.ts'
import { feedEventOf, SharedEvents } from './shared-events.ts'
import type { FeedEvent } from './shared-events.ts'

/** The most events that are kept while the history is read; what came beyond is read. */
const mostAhead = 1_000

/** What a feed needs of the registry. */
export interface FeedOwner<Member extends Follower> {
  readonly room: string
  read (after: Position | null): Promise<HistoryPage>
  /** Sends to a member. */
  deliver (connection: Member, event: FeedEvent): void
  /** Sends to all members but those of whom `isBehind` holds. */
  deliverToAll (event: FeedEvent, isBehind: ((connection: Member) => boolean) | null): void
  /** What came did not follow what had come before. Where it was not filled, the members are told by the feed. */
  onGap (filled: boolean, messages: number, eventId: string): void
  /** A member can't be told what it missed: it is no member from now on. */
  refuse (connection: Member): void
  /** The history was not read; it is tried again. Called for the first of several attempts. */
  onReadFailed (error: unknown): void
  /** @param wasAsked whether the client said where it was */
  onPlaced (result: JoinResult, wasAsked: boolean): void
  /** By how many bytes what is kept for replays has grown. */
  onHeld (by: number): void
}

/**
 * A room with history, as this process sees it: where it is, and so what comes next. Its members get all messages in the order of the history, each once. What is missing
 * between two of them is read from the history before the second one is delivered.
 */
export class Feed<Member extends Follower> implements MemoryHolder {
  readonly #owner: FeedOwner<Member>
  /** How long a join may wait, in milliseconds. */
  readonly #timeout: number
  /** Members that are not where the others are. */
  readonly #replays = new Map<Member, Replay<Member>>()
  readonly #shared = new SharedEvents()
  #held = 0
  /** The last event that was delivered; null until it is known where the history is. */
  #position: Position | null = null
  /** The latest place of which it is known that what follows it is not all there any more. It never will be again, so nobody who comes from there needs a read. */
  #lost: Position | null = null
  #isReading = false
  /** Read once more: what was asked for came after the read began. */
  #isStale = false
  /** Whether the next read is to fill a gap. */
  #hasGap = false
  /** What came while the history was read. */
  #ahead: HistoryEvent[] = []
  readonly #pause = new RetryPause()
  #isDropped = false
  #isQuiet = true

  constructor (owner: FeedOwner<Member>, timeout: number) {
    this.#owner = owner
    this.#timeout = timeout
  }

  /**
   * A member joins: it is sent nothing until `subscribed` has settled and it is known where the history is; then what it missed, then what comes. One that joins once more
   * without `since` goes on as it is.
   *
   * @param since as the client said it
   * @param isMember whether it was one before
   *
   * @throws FST_ERR_WS_ROOM_UNAVAILABLE, as a rejection
   */
  join (connection: Member, since: unknown, subscribed: Promise<void>, isMember: boolean): Promise<JoinResult> {
    const before = this.#replays.get(connection)
    if (since === undefined || since === null) {
      if (before !== undefined) return before.settled
      if (isMember) return subscribed.then(() => this.#resultOf(false, 0))
    }
    this.leave(connection)
    const replay = new Replay(connection, since, event => this.#owner.deliver(connection, event), () => this.#forget(replay))
    this.#replays.set(connection, replay)
    const timer = setTimeout(() => this.#giveUp(replay), this.#timeout)
    subscribed.then(() => this.#place(replay), error => this.#fail(replay, error))
    const stop = (): void => clearTimeout(timer)
    replay.settled.then(stop, stop)
    return replay.settled
  }

  leave (connection: Member): void {
    const replay = this.#replays.get(connection)
    if (replay === undefined) return
    this.#forget(replay)
    replay.cancel(null, this.#resultOf(false, 0))
  }

  /** The room has no members here any more. */
  drop (): void {
    this.#isDropped = true
    this.#ahead = []
    for (const { connection } of this.#replays.values()) this.leave(connection)
    this.#pause.wake()
  }

  /** Bytes that are kept for members to whom messages are replayed, besides what their connections hold. */
  get held (): number {
    return this.#held
  }

  /** Those to whom messages are being replayed are closed. They come back, and recover. */
  shed (): void {
    for (const replay of [...this.#replays.values()]) replay.shed()
    this.#shared.clear()
    this.#account()
  }

  /** An event came from the adapter. */
  onEvent (event: HistoryEvent): void {
    this.#isQuiet = false
    if (!this.#isReading && this.#position !== null) this.#apply(event)
    else if (this.#ahead.length < mostAhead) this.#ahead.push(event)
    else this.#isStale = true
  }

  /** The adapter was away: who knows what it has not brought. */
  recover (): void {
    // Nothing was read yet: that comes once the room is subscribed to.
    if (this.#position === null && !this.#isReading) return
    this.#hasGap = true
    this.#pause.wake()
    this.#read()
  }

  /** Looks whether something was lost on its way here with nothing behind it, unless something came since it was last looked. */
  verify (): void {
    const isQuiet = this.#isQuiet
    this.#isQuiet = true
    if (isQuiet && this.#position !== null) this.recover()
  }

  /** A join whose client has all there is needs no look at the history: those are most when a crowd comes back. */
  #place (replay: Replay<Member>): void {
    if (!replay.isWaiting) return
    const { since } = replay
    if (this.#isReading || this.#position === null) this.#read()
    else if (since === null || this.#isLost(since)) this.#start(replay, [], false)
    else if (isAt(since, this.#position)) this.#start(replay, [], true)
    else this.#read()
  }

  #read (): void {
    if (this.#isReading) this.#isStale = true
    else void outside(() => this.#readUntilFresh())
  }

  async #readUntilFresh (): Promise<void> {
    this.#isReading = true
    do {
      this.#isStale = false
      const asking = [...this.#replays.values()].filter(replay => replay.isWaiting)
      const after = this.#earliestOf(asking)
      try {
        this.#onPage(await this.#owner.read(after), after, asking)
        this.#pause.reset()
      } catch (error) {
        if (this.#isDropped) break
        // Those who wait are told when it has taken too long.
        if (this.#pause.isFirst) this.#owner.onReadFailed(error)
        this.#isStale = true
        await this.#pause.wait()
      }
    } while (this.#isStale && !this.#isDropped)
    this.#isReading = false
  }

  /** Where a read has to begin, so that all who ask find what they missed, and nothing is missing here. */
  #earliestOf (asking: readonly Replay<Member>[]): Position | null {
    let earliest = this.#position
    for (const { since } of asking) {
      if (since !== null && !this.#isLost(since) && (earliest === null || (since.epoch === earliest.epoch && since.offset < earliest.offset))) earliest = since
    }
    return earliest
  }

  #onPage (page: HistoryPage, after: Position | null, asking: readonly Replay<Member>[]): void {
    if (this.#isDropped) return
    // Who has left again meanwhile must not have the whole history encoded for it.
    const isWanted = asking.some(replay => replay.isWaiting)
    const events = this.#shared.of(isWanted ? page : { ...page, events: page.events.filter(event => this.#isNews(event)) })
    this.#advance(page, events)
    for (const replay of asking) {
      if (!replay.isWaiting) continue
      const { since } = replay
      const wasAsked = since !== null && after !== null && after.epoch === since.epoch && after.offset <= since.offset
      if (since === null || this.#isLost(since) || since.epoch !== page.epoch || since.offset < page.floor || since.offset > page.head) {
        if (wasAsked && since.epoch === page.epoch && since.offset < page.floor) this.#lose(since)
        this.#start(replay, [], false)
      } else if (since.offset === page.head || wasAsked) this.#start(replay, events, true)
      // The history began anew, and the page with it: what this one missed was not asked for.
      else this.#isStale = true
    }
    const ahead = this.#ahead
    this.#ahead = []
    for (const event of ahead) {
      if (!this.#apply(event)) break
    }
    if (this.#replays.size === 0) this.#shared.clear()
    this.#account()
  }

  /** Only now, when those who read at once are done. */
  #account (): void {
    const by = this.#shared.held - this.#held
    this.#held += by
    if (by !== 0) this.#owner.onHeld(by)
  }

  #isNews ({ epoch, offset }: Position): boolean {
    return this.#position !== null && this.#position.epoch === epoch && offset > this.#position.offset
  }

  #lose (place: Position): void {
    if (!this.#isLost(place)) this.#lost = place
  }

  #isLost ({ epoch, offset }: Position): boolean {
    return this.#lost !== null && this.#lost.epoch === epoch && offset <= this.#lost.offset
  }

  /** Brings all members to the end of the page. */
  #advance (page: HistoryPage, events: readonly FeedEvent[]): void {
    const position = this.#position
    this.#position = { epoch: page.epoch, offset: page.head }
    const hadGap = this.#hasGap
    this.#hasGap = false
    if (position === null || isAt(position, this.#position)) return
    const isWhole = position.epoch === page.epoch && position.offset >= page.floor && position.offset <= page.head
    const missed = events.filter(event => event.epoch === position.epoch && event.offset > position.offset)
    if (!isWhole) this.#onBroken(missed.length, { epoch: page.epoch, offset: missed.length === 0 ? page.head : page.floor })
    else if (hadGap && missed.length > 0) this.#owner.onGap(true, missed.length, eventIdOf(this.#position))
    for (const event of missed) this.#deliver(event)
  }

  /** Members are told where what they have is no longer all: they can't know. In its place: who is being replayed to has not come so far. */
  #onBroken (messages: number, position: Position): void {
    const eventId = eventIdOf(position)
    this.#owner.onGap(false, messages, eventId)
    this.#deliver({ ...position, broadcast: Broadcast.own({ type: 'gap', room: this.#owner.room, eventId }), except: nobody })
  }

  /** Delivers what follows, and nothing twice. Returns false where something is missing before it. */
  #apply (event: HistoryEvent): boolean {
    const position = this.#position
    if (position !== null && event.epoch === position.epoch) {
      if (event.offset <= position.offset) return true
      if (event.previous <= position.offset) {
        this.#position = { epoch: event.epoch, offset: event.offset }
        this.#deliver(this.#replays.size === 0 ? feedEventOf(event) : this.#shared.one(event))
        return true
      }
    }
    this.#hasGap = true
    this.#read()
    return false
  }

  #deliver (event: FeedEvent): void {
    // Whatever was called in between: who joined again meanwhile is another feed's.
    if (this.#isDropped) return
    if (this.#replays.size === 0) {
      this.#owner.deliverToAll(event, null)
      return
    }
    this.#owner.deliverToAll(event, connection => this.#replays.has(connection))
    for (const replay of this.#replays.values()) replay.push(event)
    // Else it is done with the page.
    if (!this.#isReading) this.#account()
  }

  /** @param events what the history has, from where the client is or before that */
  #start (replay: Replay<Member>, events: readonly FeedEvent[], recovered: boolean): void {
    const { since, connection } = replay
    const missed = since === null ? [] : events.filter(({ offset, except }) => offset > since.offset && !except.includes(connection.id))
    const result = this.#resultOf(recovered, missed.length)
    this.#owner.onPlaced(result, replay.wasAsked)
    replay.start(missed, result)
  }

  #resultOf (recovered: boolean, replayed: number): JoinResult {
    return { recovered, replayed, eventId: this.#position === null ? null : eventIdOf(this.#position) }
  }

  #forget (replay: Replay<Member>): void {
    if (this.#replays.get(replay.connection) === replay) this.#replays.delete(replay.connection)
    if (this.#replays.size > 0) return
    this.#shared.clear()
    this.#account()
  }

  #giveUp (replay: Replay<Member>): void {
    // What it missed is known: the client takes as long as it needs.
    if (replay.isWaiting) this.#fail(replay, new FST_ERR_WS_ROOM_UNAVAILABLE(`its history was not read within ${this.#timeout} ms`))
  }

  /** It is no member any more at the same moment: else it were sent what comes, behind what it missed. */
  #fail (replay: Replay<Member>, error: Error): void {
    if (this.#replays.get(replay.connection) !== replay) return
    this.#forget(replay)
    replay.cancel(error, this.#resultOf(false, 0))
    this.#owner.refuse(replay.connection)
  }
}

function isAt (one: Position, other: Position): boolean {
  return one.epoch === other.epoch && one.offset === other.offset
}

const nobody: readonly string[] = Object.freeze([])
