import t from 'tap'
import { deflate, givenUp, inflate, ZlibJobs } from '../../lib/connection/zlib-jobs.ts'
import { deferred } from '../helpers/app.ts'
import { deflated } from '../helpers/deflate.ts'

/** Jobs that begin when they are let to, and end when they are told. */
class Jobs {
  readonly begun: number[] = []
  readonly jobs = new ZlibJobs(3)
  readonly #ends = new Map<number, { resolve: (value: string) => void, reject: (error: unknown) => void }>()

  start (name: number): Promise<string> {
    return this.jobs.inTurn({ name }, () => {
      const { promise, ...end } = deferred<string>()
      this.begun.push(name)
      this.#ends.set(name, end)
      return promise
    })
  }

  end (name: number): void {
    this.#ends.get(name)?.resolve(`result of ${name}`)
  }

  fail (name: number): void {
    this.#ends.get(name)?.reject(new Error(`failure of ${name}`))
  }
}

/** Lets what is to happen at once happen. */
const settled = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

t.test('three jobs run at once, and the others in turn', async t => {
  const jobs = new Jobs()
  const results = [0, 1, 2, 3, 4, 5].map(name => jobs.start(name))
  await settled()
  t.same(jobs.begun, [0, 1, 2])
  jobs.end(1)
  t.equal(await results[1], 'result of 1')
  await settled()
  t.same(jobs.begun, [0, 1, 2, 3])
  jobs.end(0)
  jobs.end(2)
  await settled()
  t.same(jobs.begun, [0, 1, 2, 3, 4, 5])
  for (const name of [3, 4, 5]) jobs.end(name)
  t.same(await Promise.all(results), [0, 1, 2, 3, 4, 5].map(name => `result of ${name}`))
})

t.test('a job that fails frees its place, whether it fails at once or later', async t => {
  const jobs = new Jobs()
  const failing = [0, 1, 2].map(name => jobs.start(name))
  const atOnce = jobs.jobs.inTurn({}, () => { throw new Error('at once') })
  const next = [3, 4, 5].map(name => jobs.start(name))
  await settled()
  for (const name of [0, 1, 2]) jobs.fail(name)
  for (const name of [0, 1, 2]) await t.rejects(failing[name], { message: `failure of ${name}` })
  await t.rejects(atOnce, { message: 'at once' })
  await settled()
  t.same(jobs.begun, [0, 1, 2, 3, 4, 5])
  for (const name of [3, 4, 5]) jobs.end(name)
  await Promise.all(next)
})

t.test('a job that waits can be given up, and one that runs goes on', async t => {
  const jobs = new Jobs()
  const results = [0, 1, 2].map(name => jobs.start(name))
  const owner = {}
  const waiting = jobs.jobs.inTurn(owner, async () => 'never')
  jobs.jobs.giveUp(owner)
  jobs.jobs.giveUp(owner)
  await t.rejects(waiting, givenUp)
  const later = jobs.start(3)
  for (const name of [0, 1, 2]) jobs.end(name)
  t.same(await Promise.all(results), [0, 1, 2].map(name => `result of ${name}`))
  await settled()
  t.same(jobs.begun, [0, 1, 2, 3])
  jobs.end(3)
  await later
})

t.test('places are free again when nothing runs', async t => {
  const jobs = new Jobs()
  const results = [0, 1, 2].map(name => jobs.start(name))
  await settled()
  t.same(jobs.begun, [0, 1, 2])
  for (const name of [0, 1, 2]) jobs.end(name)
  await Promise.all(results)
})

t.test('inflating says how much of the input it took', async t => {
  const message = Buffer.alloc(100_000, 'abc')
  const input = Buffer.concat([deflated(message), Buffer.from([0x00, 0x00, 0xff, 0xff, 0x03, 0x00])])
  const { buffer, engine } = await inflate(Buffer.concat([input, Buffer.from('what follows')]), {})
  t.same(buffer, message)
  t.equal(engine.bytesWritten, input.length)
})

t.test('deflating and inflating reject what zlib refuses', async t => {
  await t.rejects(inflate(Buffer.from([0x07]), {}), { code: 'Z_DATA_ERROR' })
  await t.rejects(deflate(Buffer.from('a'), { level: 99 }), RangeError)
})
