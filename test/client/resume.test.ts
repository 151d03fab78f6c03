import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { WebSocket as WsWebSocket } from 'ws'
import { ChatServer, connectTo, next, texts } from '../helpers/clients.ts'
import { Random } from '../fuzz/random.ts'

/* Many clients, whose connections are cut at random while somebody speaks all the time. */

const seed = Number(process.env.RESUME_SEED ?? 1)

t.test(`nobody misses anything, and nobody hears anything twice (seed ${seed})`, async t => {
  const random = new Random(seed)
  const server = await ChatServer.start(t)
  const clients = Array.from({ length: 8 }, (_, i) => connectTo(t, server.url, { ...i % 2 === 0 && { WebSocket: WsWebSocket }, reconnect: { base: 10, cap: 40 } }))
  const heard = clients.map(texts)
  const answers: boolean[] = []
  await Promise.all(clients.map(client => client.join('long:a', reply => { answers.push((reply as { recovered: boolean }).recovered) })))
  const said: string[] = []
  for (let n = 0; n < 400; n++) {
    if (random.below(100) < 3) server.cut()
    if (random.below(200) === 0) await server.restart()
    said.push(`${n}`)
    await server.say('long:a', `${n}`)
    if (random.below(10) < 3) await sleep(random.below(10))
  }
  await Promise.all(heard.map(async (texts, i) => { while (texts.length < said.length) await next(clients[i], 'said') }))
  for (const texts of heard) t.same(texts, said)
  t.comment(`${server.connections} connections, ${answers.length} joins`)
  t.ok(server.connections > 2 * clients.length, 'they have come back')
  t.same(answers.filter(recovered => !recovered).length, clients.length, 'only the first joins recovered nothing')
})
