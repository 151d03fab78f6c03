import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { frameSlab } from '../../lib/connection/frame-slab.ts'
import type { RunOwner } from '../../lib/connection/frame-slab.ts'
import { opcode } from '../../lib/protocol/frame.ts'
import { encodeFrame, encodeMessage } from '../../lib/protocol/frame-encoder.ts'
import { holds } from '../helpers/property.ts'

/** An owner that keeps its runs, and what they should be. */
class Owner implements RunOwner {
  runs: Buffer[] = []
  readonly #expected: Buffer[] = []

  onRun (run: Buffer): void {
    this.runs.push(run)
  }

  put (payload: string | Buffer): this {
    const frame = encodeMessage(payload)
    this.#expected.push(frame)
    assert.equal(frameSlab.put(payload, this), frame.length)
    return this
  }

  putHeader (length: number): this {
    const frame = encodeFrame(opcode.binary, Buffer.alloc(length))
    const header = frame.subarray(0, frame.length - length)
    this.#expected.push(header)
    assert.equal(frameSlab.putHeader(Buffer.alloc(length), this), header.length)
    return this
  }

  /** Ends its run. */
  take (): this {
    const run = frameSlab.take(this)
    if (run !== null) this.runs.push(run)
    return this
  }

  /** Whether its runs are what it put in, in that order. */
  get isRight (): boolean {
    return Buffer.concat(this.runs).equals(Buffer.concat(this.#expected))
  }
}

const end = (run: Buffer): number => run.byteOffset + run.length
const isSameMemory = (run: Buffer, other: Buffer): boolean => run.buffer === other.buffer

/** The run of somebody who puts one message in. */
function oneRun (payload: string): Buffer {
  return new Owner().put(payload).take().runs[0]
}

t.test('what one owner puts in is one run', async t => {
  const owner = new Owner().put('a').put(Buffer.from('b')).putHeader(100_000).put('é').put('').take()
  t.equal(owner.runs.length, 1)
  t.ok(owner.isRight)
  t.equal(frameSlab.take(owner), null, 'which is handed over once')
})

t.test('who has put nothing in has no run, and that of another goes on', async t => {
  const owner = new Owner().put('a')
  t.equal(frameSlab.take(new Owner()), null)
  owner.put('b').take()
  t.equal(owner.runs.length, 1)
  t.ok(owner.isRight)
})

t.test('a run ends where that of another begins, and is handed over before', async t => {
  const [a, b] = [new Owner().put('a1').put('a2'), new Owner()]
  t.equal(a.runs.length, 0)
  b.put('b1')
  t.equal(a.runs.length, 1)
  t.equal(frameSlab.take(a), null)
  a.put('a3')
  b.put('b2').take()
  a.take()
  t.same([a.runs.length, b.runs.length], [2, 2])
  t.ok(a.isRight && b.isRight)
})

t.test('when it is full the run is handed over, and goes on in other memory', async t => {
  const owner = new Owner()
  while (owner.runs.length === 0) owner.put('x'.repeat(1000))
  owner.put('é'.repeat(300)).take()
  t.equal(owner.runs.length, 2)
  t.notOk(isSameMemory(owner.runs[0], owner.runs[1]))
  t.equal(owner.runs[1].byteOffset, 0)
  t.ok(owner.isRight)
})

t.test('who comes first to memory that is full has no empty run', async t => {
  const filling = new Owner()
  while (filling.runs.length === 0) filling.put('x'.repeat(1000))
  while (end(filling.take().runs.at(-1) as Buffer) < 31 * 1024) filling.put('x'.repeat(400))
  const next = new Owner().put('€'.repeat(1024)).take()
  t.equal(next.runs.length, 1)
  t.ok(next.isRight && filling.isRight)
})

t.test('a run that is given back is memory for the next', async t => {
  const run = oneRun('first')
  frameSlab.giveBack(run)
  const next = oneRun('second')
  t.ok(isSameMemory(run, next))
  t.equal(next.byteOffset, run.byteOffset)
})

t.test('runs that are given back last first are all memory for the next', async t => {
  const owner = new Owner().put('1').take().put('2').take().put('3').take()
  for (const run of owner.runs.toReversed()) frameSlab.giveBack(run)
  t.equal(oneRun('next').byteOffset, owner.runs[0].byteOffset)
})

t.test('as long as runs are given back no other memory is needed', async t => {
  const first = oneRun('x'.repeat(1000))
  frameSlab.giveBack(first)
  let elsewhere = 0
  for (let i = 0; i < 1000; i++) {
    const run = oneRun('x'.repeat(1000))
    if (!isSameMemory(first, run)) elsewhere++
    frameSlab.giveBack(run)
  }
  t.equal(elsewhere, 0)
})

t.test('only the last run can be given back', async t => {
  const first = oneRun('first')
  const last = oneRun('last')
  const copy = Buffer.from(last)
  frameSlab.giveBack(first)
  const next = oneRun('next')
  t.equal(next.byteOffset, end(last))
  t.same(last, copy)
})

t.test('a part of the last run is not the last run', async t => {
  const run = new Owner().put('one').put('two').take().runs[0]
  frameSlab.giveBack(run.subarray(0, 5))
  t.equal(oneRun('next').byteOffset, end(run))
})

t.test('nothing is taken back while a run goes on', async t => {
  const first = oneRun('first')
  const owner = new Owner().put('a')
  frameSlab.giveBack(first)
  owner.put('b').take()
  t.equal(owner.runs[0].byteOffset, end(first))
  t.ok(owner.isRight)
})

t.test('a run of earlier memory is not taken back, and neither is what is none', async t => {
  const owner = new Owner()
  while (owner.runs.length === 0) owner.put('x'.repeat(1000))
  const [earlier] = owner.runs
  const last = owner.take().runs[1]
  frameSlab.giveBack(earlier)
  frameSlab.giveBack(Buffer.alloc(last.length))
  t.equal(oneRun('next').byteOffset, end(last))
  t.ok(owner.isRight)
})

t.test('whoever puts in what, and whichever runs leave, those that have not stay as they were put in', async t => {
  const payload = fc.oneof(
    fc.nat(1024).map(length => 'x'.repeat(length)), fc.nat(1024).map(length => '€'.repeat(length)), fc.nat(1024).map(length => Buffer.alloc(length, length))
  )
  const step = fc.oneof(
    fc.record({ who: fc.nat(2), put: payload }), fc.record({ who: fc.nat(2), header: fc.nat(100_000) }),
    fc.record({ who: fc.nat(2), leaves: fc.boolean() })
  )
  holds(t, fc.property(fc.array(step, { maxLength: 80 }), steps => {
    const owners = [new Owner(), new Owner(), new Owner()]
    for (const step of steps) {
      const owner = owners[step.who]
      if ('put' in step) {
        owner.put(step.put)
      } else if ('header' in step) {
        owner.putHeader(step.header)
      } else {
        const run = frameSlab.take(owner)
        if (run === null) continue
        owner.onRun(step.leaves ? Buffer.from(run) : run)
        if (step.leaves) frameSlab.giveBack(run)
      }
    }
    for (const owner of owners) assert.ok(owner.take().isRight)
  }), { numRuns: 300 })
})
