import t from 'tap'
import { suspend } from '../../helpers/processes.ts'
import { Workers } from './workers.ts'

// Each has processes of its own, and mostly waits.
t.jobs = 3

for (const [mode, serialization] of [['cluster', 'json'], ['cluster', 'advanced'], ['fork', 'json']] as const) {
  t.test(`a room reaches the members of all workers: ${mode}, ${serialization}`, async t => {
    const workers = await Workers.start(t, 2, { mode, serialization })
    const [one, two] = await Promise.all([...workers.pids.keys()].map(pid => workers.open(pid)))
    for (const client of [one, two]) for (const room of ['chat', 'log:1']) await client.ask({ do: 'join', room })
    for (const room of ['chat', 'log:1']) {
      await one.ask({ do: 'send', room, message: { room } })
      for (const client of [one, two]) t.match(await client.receive(), { room })
    }
    t.same(await workers.report(), { nodes: 2, refused: 0 })
  })
}

t.test('a worker that is killed in the middle of sending is forgotten; its clients resume over another one, and a new one joins', async t => {
  const workers = await Workers.start(t, 2)
  const [doomed, other] = [...workers.pids.keys()]
  const [sender, lost, listener] = [await workers.open(doomed), await workers.open(doomed), await workers.open(other)]
  for (const client of [lost, listener]) await client.ask({ do: 'join', room: 'log:1' })
  for (let number = 1; number <= 200; number++) sender.say({ do: 'send', room: 'log:1', message: { number } })
  // What has come is in the history; how much more of it is, nobody knows.
  const seen = await lost.receive()
  t.equal(seen.number, 1)
  await workers.kill(doomed)

  const fresh = await workers.add()
  const resumed = await workers.open(fresh)
  const last = await workers.open(other)
  await last.ask({ do: 'send', room: 'log:1', message: { number: 'last' } })
  const heard = []
  do heard.push((await listener.receive()).number); while (heard.at(-1) !== 'last')
  t.same(heard, [...heard.slice(0, -1).map((_, index) => index + 1), 'last'], 'none is missing, none came twice')
  t.match(await resumed.ask({ do: 'join', room: 'log:1', since: String(seen.eventId) }), { recovered: true, replayed: heard.length - 1 })
  const missed = []
  while (missed.length < heard.length - 1) missed.push((await resumed.receive()).number)
  t.same(missed, heard.slice(1))

  await resumed.ask({ do: 'send', room: 'log:1', message: { number: 'from the new one' } })
  t.equal((await listener.receive()).number, 'from the new one')
  t.same(await workers.report(), { nodes: 2, refused: 0 })
})

t.test('a primary that is stopped is noticed; rooms go on in each worker, and what has a history waits until it is back', async t => {
  const workers = await Workers.start(t, 2)
  const [one, two] = await Promise.all([...workers.pids.keys()].map(pid => workers.open(pid)))
  for (const client of [one, two]) for (const room of ['chat', 'log:1']) await client.ask({ do: 'join', room })
  await suspend(workers.pid)
  await Promise.all([one.until('unavailable'), two.until('unavailable')])
  one.say({ do: 'send', room: 'chat', message: { text: 'here only' } })
  t.equal((await one.receive()).text, 'here only')
  const sent = [1, 2].map(number => one.ask({ do: 'send', room: 'log:1', message: { number } }))
  process.kill(workers.pid, 'SIGCONT')
  await Promise.all([one.until('ready'), two.until('ready')])
  for (const answer of await Promise.all(sent)) t.equal(answer.sent, true)
  for (const client of [one, two]) for (const number of [1, 2]) t.equal((await client.receive()).number, number)
})

t.test('a primary that carries no rooms any more is noticed, and so is that it does again', async t => {
  const workers = await Workers.start(t, 2)
  const [one, two] = await Promise.all([...workers.pids.keys()].map(pid => workers.open(pid)))
  for (const client of [one, two]) await client.ask({ do: 'join', room: 'chat' })
  workers.tell('stop carrying')
  await Promise.all([one.until('unavailable'), two.until('unavailable')])
  workers.tell('carry')
  await Promise.all([one.until('ready'), two.until('ready')])
  await one.ask({ do: 'send', room: 'chat', message: { text: 'again' } })
  t.equal((await two.receive()).text, 'again')
})

t.test('a worker that is busy for long does not take the primary for lost', async t => {
  const workers = await Workers.start(t, 1)
  const client = await workers.open([...workers.pids.keys()][0])
  await client.ask({ do: 'join', room: 'log:1' })
  client.say({ do: 'send', room: 'log:1', message: { text: 'before' } })
  await client.ask({ do: 'block', milliseconds: 4_500 })
  t.equal((await client.receive()).text, 'before')
  t.equal((await client.ask({ do: 'who' })).state, 'ready')
})

t.test('a worker does not start where the primary carries no rooms', async t => {
  const workers = await Workers.start(t, 0, { mode: 'not carried' })
  workers.tell({ start: [] })
  t.match(await workers.said(), /FST_ERR_WS_ADAPTER|carryRooms\(\)/)
  t.equal((await workers.ended()).code, 1)
})

t.test('a server that closes lets its worker end', async t => {
  const workers = await Workers.start(t, 1)
  t.same(await workers.report(), { nodes: 1, refused: 0 })
  workers.tell('close')
  t.equal((await workers.ended()).code, 0)
  t.same(await workers.report(), { nodes: 0, refused: 0 })
})
