import t from 'tap'
import { WebSocket } from 'undici'
import { resolveOptions, resolveUrl } from '../../lib/client/options.ts'

t.test('defaults', async t => {
  t.match(resolveOptions({ WebSocket }), { base: 500, cap: 30_000, connectTimeout: 10_000, requestTimeout: 10_000, silenceTimeout: 0, size: 100, buffer: 1_000 })
  t.match(resolveOptions({ WebSocket, reconnect: { cap: 5 }, queue: { size: 0 }, requestTimeout: undefined }), { base: 500, cap: 5, requestTimeout: 10_000, size: 0 })
  t.match(resolveOptions({ WebSocket, reconnect: false }), { reconnect: false, base: 500 })
})

t.test('an option that is none is refused', async t => {
  const wrong = [
    { connectTimeout: NaN }, { connectTimeout: Infinity }, { requestTimeout: -1 }, { buffer: -1 }, { queue: { size: NaN } }, { reconnect: { base: -1 } },
    { reconnect: { cap: 2 ** 31 } }, { silenceTimeout: Infinity }
  ]
  for (const options of wrong) t.throws(() => resolveOptions({ WebSocket, ...options }), { code: 'WS_CLIENT_OPTION' }, JSON.stringify(options))
})

t.test('without a WebSocket there is no client', { skip: 'WebSocket' in globalThis && 'this Node has one' }, async t => {
  t.throws(() => resolveOptions({}), { code: 'WS_CLIENT_OPTION', message: 'pass a WebSocket' })
})

t.test('addresses', async t => {
  t.equal(resolveUrl('http://a.example/b?c=d#e').href, 'ws://a.example/b?c=d')
  t.equal(resolveUrl('https://a.example/').href, 'wss://a.example/')
  t.equal(resolveUrl('wss://a.example/').href, 'wss://a.example/')
  t.equal(resolveUrl(new URL('ws://a.example/')).href, 'ws://a.example/')
  t.throws(() => resolveUrl('/chat'), { code: 'WS_CLIENT_OPTION' }, 'relative to no page')
})
