import t from 'tap'
import { Declarations } from '../../lib/rooms/declarations.ts'
import type { Declaration } from '../../lib/rooms/declarations.ts'

function plain (pattern: string): Declaration {
  return { pattern, schema: undefined, slowConsumer: null, history: null, presence: null, contract: null }
}

function declarationsOf (...patterns: string[]): Declarations {
  const declarations = new Declarations()
  for (const pattern of patterns) declarations.add(plain(pattern))
  return declarations
}

t.test('a pattern without a star fits the room of that name only', async t => {
  const declarations = declarationsOf('lobby')
  t.equal(declarations.for('lobby')?.pattern, 'lobby')
  t.equal(declarations.for('lobby2'), null)
  t.equal(declarations.for('lobb'), null)
})

t.test('a pattern with a star at its end fits every name that begins so', async t => {
  const declarations = declarationsOf('chat:*')
  t.equal(declarations.for('chat:1')?.pattern, 'chat:*')
  t.equal(declarations.for('chat:')?.pattern, 'chat:*')
  t.equal(declarations.for('chat'), null)
  t.equal(declarations.for('a chat:1'), null)
})

t.test('a star alone fits every name', async t => {
  t.equal(declarationsOf('*').for('anything')?.pattern, '*')
})

t.test('the longest prefix that fits counts, in whatever order they were declared', async t => {
  for (const patterns of [['*', 'chat:*', 'chat:vip:*'], ['chat:vip:*', 'chat:*', '*'], ['chat:*', '*', 'chat:vip:*']]) {
    const declarations = declarationsOf(...patterns)
    t.equal(declarations.for('chat:vip:1')?.pattern, 'chat:vip:*')
    t.equal(declarations.for('chat:1')?.pattern, 'chat:*')
    t.equal(declarations.for('other')?.pattern, '*')
  }
})

t.test('a name counts before any prefix', async t => {
  t.equal(declarationsOf('chat:*', 'chat:1').for('chat:1')?.pattern, 'chat:1')
})

t.test('a name and a prefix of the same letters are two patterns', async t => {
  const declarations = declarationsOf('chat', 'chat*')
  t.equal(declarations.for('chat')?.pattern, 'chat')
  t.equal(declarations.for('chats')?.pattern, 'chat*')
})

t.test('the same pattern twice is refused', async t => {
  for (const pattern of ['lobby', 'chat:*', '*']) {
    t.throws(() => declarationsOf(pattern, pattern), { code: 'FST_ERR_WS_ROOM_DECLARED' })
  }
})

t.test('a pattern that is empty, no string, or has a star before its end is refused', async t => {
  for (const pattern of ['', 'a*b', '**', '*a', null, undefined, 5, {}]) {
    t.throws(() => declarationsOf(pattern as string), { code: 'FST_ERR_WS_ROOM_PATTERN' })
  }
})

t.test('names of Object.prototype are declared only when somebody declares them', async t => {
  t.equal(declarationsOf('lobby').for('__proto__'), null)
  t.equal(declarationsOf('lobby').for('constructor'), null)
  t.equal(declarationsOf('__proto__').for('__proto__')?.pattern, '__proto__')
})

t.test('all declarations can be listed', async t => {
  t.same(new Set([...declarationsOf('a', 'b*', 'c')].map(({ pattern }) => pattern)), new Set(['a', 'b*', 'c']))
})

t.test('a declaration has the policy that it was given, and none where the routes decide', async t => {
  const declarations = declarationsOf('lobby')
  declarations.add({ ...plain('chat:*'), slowConsumer: { policy: 'drop-oldest', key: null } })
  t.equal(declarations.for('lobby')?.slowConsumer, null)
  t.match(declarations.for('chat:1')?.slowConsumer, { policy: 'drop-oldest' })
})
