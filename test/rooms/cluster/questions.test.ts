import t from 'tap'
import type { Answer, Ask } from '../../../lib/rooms/cluster/control-messages.ts'
import { Questions } from '../../../lib/rooms/cluster/questions.ts'
import { memberOfEach, shortNodes, startNodes, until } from '../../helpers/clusters.ts'
import { keepAlive } from '../../helpers/keep-alive.ts'

/** Questions to nodes of these names, and what was asked. */
function asking (names: readonly string[], timeout = 10_000): { questions: Questions, asked: Ask[] } {
  const asked: Ask[] = []
  return { questions: new Questions({ others: new Set(names), tell: async ask => { asked.push(ask) } }, timeout), asked }
}

function answer (id: number, count: number, page = 0, pages = 1): Answer {
  return { say: 'answer', id, count, page, pages, members: [{ id: `m${page}`, key: null, json: null }] }
}

const question = { of: 'count', room: 'lobby' } as const

t.test('all answers are waited for', async t => {
  const { questions, asked } = asking(['a', 'b'])
  const answers = questions.ask(question)
  questions.onAnswer('b', answer(asked[0].id, 2))
  t.equal(questions.size, 1)
  questions.onAnswer('a', answer(asked[0].id, 1))
  t.same((await answers).map(({ node, count }) => [node, count]), [['b', 2], ['a', 1]])
  t.equal(questions.size, 0)
})

t.test('where there are no others nobody is asked', async t => {
  const { questions, asked } = asking([])
  t.same(await questions.ask(question), [])
  t.same(asked, [])
})

t.test('pages of an answer are put together, in whatever order they come', async t => {
  const { questions, asked } = asking(['a'])
  const answers = questions.ask(question)
  for (const page of [2, 0, 0, 1]) questions.onAnswer('a', answer(asked[0].id, 3, page, 3))
  t.same((await answers)[0].members.map(({ id }) => id), ['m0', 'm1', 'm2'])
})

t.test('an answer that comes twice counts once, and one to no question not at all', async t => {
  const { questions, asked } = asking(['a', 'b'])
  const answers = questions.ask(question)
  questions.onAnswer('a', answer(asked[0].id, 1))
  questions.onAnswer('a', answer(asked[0].id, 5))
  questions.onAnswer('b', answer(999, 5))
  questions.onAnswer('b', answer(asked[0].id, 2))
  questions.onAnswer('b', answer(asked[0].id, 5))
  t.same((await answers).map(({ count }) => count), [1, 2])
})

t.test('nobody waits for the dead', async t => {
  const { questions, asked } = asking(['a', 'b'])
  const answers = questions.ask(question)
  questions.onAnswer('a', answer(asked[0].id, 1))
  questions.onGone('b')
  t.equal((await answers).length, 1)
})

t.test('who does not answer in time is named', async t => {
  keepAlive(t)
  const { questions, asked } = asking(['a', 'b'], 20)
  const answers = questions.ask(question)
  questions.onAnswer('a', answer(asked[0].id, 1))
  await t.rejects(answers, { code: 'FST_ERR_WS_ROOM_UNAVAILABLE', statusCode: 503, message: /no answer of b in 20 ms/ })
  t.equal(questions.size, 0)
})

t.test('those who ask the same meanwhile share the answers, later ones do not', async t => {
  const { questions, asked } = asking(['a'])
  const [one, two] = [questions.askOnce(question), questions.askOnce({ ...question })]
  const other = questions.askOnce({ ...question, room: 'other' })
  t.equal(asked.length, 2)
  for (const { id } of asked) questions.onAnswer('a', answer(id, 1))
  t.equal(await one, await two)
  await other
  void questions.askOnce(question)
  t.equal(asked.length, 3)
})

t.test('what cannot be asked fails at once, with what the adapter said', async t => {
  const questions = new Questions({ others: new Set(['a']), tell: async () => { throw new Error('broker down') } }, 10_000)
  await t.rejects(questions.ask(question), { code: 'FST_ERR_WS_ROOM_UNAVAILABLE', cause: { message: 'broker down' } })
})

t.test('what is open when the server closes fails', async t => {
  const { questions } = asking(['a'])
  const answers = questions.ask(question)
  questions.stop()
  await t.rejects(answers, { code: 'FST_ERR_WS_ROOM_UNAVAILABLE', message: /closing/ })
})

t.test('a process that does not answer although it is alive makes count() fail', async t => {
  const [one, two] = await startNodes(t, 2, { adapterTimeout: 50, nodes: { interval: 100, timeout: 400 } })
  one.adapter.fault = (_channel, envelope) => envelope.kind === 'control' && JSON.parse(envelope.payload).say === 'answer' ? 'lose' : null
  await t.rejects(one.app.room('lobby').count(), { code: 'FST_ERR_WS_ROOM_UNAVAILABLE', message: new RegExp(two.id) })
})

t.test('a process that has crashed is found dead before the others would give up, however short adapterTimeout is', async t => {
  const [one, two] = await startNodes(t, 2, { adapterTimeout: 50, nodes: shortNodes })
  two.adapter.silence()
  t.equal(await one.app.room('lobby').count(), 0)
})

t.test('a process that is found dead meanwhile is not waited for', async t => {
  const nodes = await startNodes(t, 3, { nodes: shortNodes, adapterTimeout: 60_000 })
  await memberOfEach(nodes, 'lobby')
  nodes[2].adapter.silence()
  t.equal(await nodes[0].app.room('lobby').count(), 2)
  await until(() => nodes[1].app.rooms.status.nodes.length === 2)
})

t.test('questions in flight are one envelope to all', async t => {
  const nodes = await startNodes(t, 3)
  await memberOfEach(nodes, 'lobby')
  const { published } = nodes[0].adapter
  const before = published.filter(({ say }) => say === 'ask').length
  t.same(await Promise.all(Array.from({ length: 50 }, () => nodes[0].app.room('lobby').count())), Array.from({ length: 50 }, () => 3))
  t.equal(published.filter(({ say }) => say === 'ask').length, before + 1)
})

t.test('at the end of the server all that is asked is refused, and so is what is asked afterwards', async t => {
  const { questions, asked } = asking(['a'])
  const before = questions.ask(question)
  questions.stop()
  await t.rejects(before, { code: 'FST_ERR_WS_ROOM_UNAVAILABLE', message: /the server is closing/ })
  await t.rejects(questions.askOnce(question), { code: 'FST_ERR_WS_ROOM_UNAVAILABLE', message: /the server is closing/ })
  t.equal(asked.length, 1)
  t.equal(questions.size, 0)
})
