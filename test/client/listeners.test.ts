import { once } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { Listeners } from '../../lib/client/listeners.ts'

t.test('all are told, in order, until they have enough', async t => {
  const listeners = new Listeners<number>()
  const told: string[] = []
  const listener = (value: number): void => { told.push(`a${value}`) }
  const stop = listeners.add(listener)
  listeners.add(listener)
  listeners.add(value => { told.push(`b${value}`) })
  listeners.tell(1)
  stop()
  stop()
  listeners.tell(2)
  t.same(told, ['a1', 'a1', 'b1', 'a2', 'b2'])
})

t.test('one that is added or removed while others are told changes nothing for them', async t => {
  const listeners = new Listeners<number>()
  const told: string[] = []
  const stop = listeners.add(() => {
    stop()
    listeners.add(() => { told.push('late') })
  })
  listeners.add(() => { told.push('other') })
  listeners.tell(1)
  t.same(told, ['other'])
})

t.test('one that another one ends is not told any more', async t => {
  const listeners = new Listeners<number>()
  listeners.add(() => stop())
  const stop = listeners.add(() => t.fail('it was ended'))
  listeners.tell(1)
})

t.test('what one throws keeps nobody from being told, and is not lost', async t => {
  const listeners = new Listeners<number>()
  const told: number[] = []
  const before = process.rawListeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  const uncaught = once(process, 'uncaughtException')
  listeners.add(() => { throw new Error('mine') })
  listeners.add(value => { told.push(value) })
  listeners.tell(1)
  t.same(told, [1])
  const [error] = await uncaught
  t.match(error, { message: 'mine' })
  await setImmediate()
  for (const listener of before) process.on('uncaughtException', listener as NodeJS.UncaughtExceptionListener)
})
