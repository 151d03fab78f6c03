import { AsyncLocalStorage } from 'node:async_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { Agenda } from '../lib/connection/agenda.ts'
import { Heartbeat } from '../lib/connection/heartbeat.ts'
import { Turns } from '../lib/connection/turns.ts'
import { outside } from '../lib/outside.ts'
import { Deadlines } from '../lib/route/deadlines.ts'

const store = new AsyncLocalStorage<string>()

t.test('what is started outside knows no store of the request in which it was', async t => {
  await store.run('a request', async () => {
    const seen = await outside(() => delay(1).then(() => store.getStore()))
    t.equal(seen, undefined)
    t.equal(store.getStore(), 'a request')
  })
})

t.test('no timer or turn that serves all runs in the store of whoever was first', async t => {
  const keepAlive = setInterval(() => {}, 1_000)
  t.teardown(() => clearInterval(keepAlive))
  const seen: Array<string | undefined> = []
  const note = (): void => { seen.push(store.getStore()) }
  const beating = { slot: null, beat: note, endIfSilent () {} }
  const heartbeat = new Heartbeat(10, 5)
  store.run('first', () => {
    new Agenda().set({ slot: -1, due: 0, onDue: note }, performance.now())
    heartbeat.add(beating)
    new Turns().wait({ onTurn: note })
    const deadlines = new Deadlines(1)
    deadlines.add({ deadline: deadlines.next(), onDeadline: note })
  })
  while (seen.length < 4) await delay(1)
  heartbeat.delete(beating)
  t.same(new Set(seen), new Set([undefined]))
})
