import t from 'tap'
import { decides } from '../helpers/origins.ts'

t.test('with trustProxy, the origin is compared with what the proxy saw', async t => {
  const headers = { Host: 'internal:3000', 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'chat.example.com' }
  await decides(t, 'same-origin', ['https://chat.example.com', 'https://chat.example.com:443'], ['http://chat.example.com', 'http://internal:3000'], headers, { trustProxy: true })
})

t.test('without trustProxy, a forwarded host is not believed', async t => {
  const headers = { Host: 'app.example.com', 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'evil.net' }
  await decides(t, 'same-origin', ['http://app.example.com'], ['https://evil.net'], headers)
})

t.test('a proxy is believed where trustProxy names it, and no other', async t => {
  const headers = { Host: 'app.example.com', 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'chat.example.com' }
  const [own, forwarded] = [['http://app.example.com'], ['https://chat.example.com']]
  for (const trustProxy of ['127.0.0.1', '127.0.0.0/8', ['10.0.0.1', 'loopback'], (address: string) => address === '127.0.0.1']) {
    await decides(t, 'same-origin', forwarded, own, headers, { trustProxy })
  }
  for (const trustProxy of ['10.0.0.0/8', '192.168.1.1', (address: string) => address !== '127.0.0.1']) {
    await decides(t, 'same-origin', own, forwarded, headers, { trustProxy })
  }
})

t.test('of several that were forwarded, the one of the proxy next to the server counts: what is before it anybody may have sent', t => decides(t, 'same-origin',
  ['https://chat.example.com'], ['https://evil.net', 'http://chat.example.com', 'http://evil.net'],
  { Host: 'internal:3000', 'X-Forwarded-Proto': 'http, https', 'X-Forwarded-Host': 'evil.net, chat.example.com' }, { trustProxy: true }))

t.test('a proxy that forwards the scheme of the WebSocket, as Traefik does, means that of the page', async t => {
  for (const [forwarded, page, other] of [['wss', 'https', 'http'], ['ws', 'http', 'https']]) {
    const headers = { Host: 'internal:3000', 'X-Forwarded-Proto': forwarded, 'X-Forwarded-Host': 'chat.example.com' }
    await decides(t, 'same-origin', [`${page}://chat.example.com`], [`${other}://chat.example.com`, `${forwarded}://chat.example.com`], headers, { trustProxy: true })
  }
})

t.test('what a proxy forwards that is no host makes no origin the same', async t => {
  for (const host of ['evil.net/chat.example.com', 'user@chat.example.com', 'chat.example.com:443:443', '[', '%']) {
    await decides(t, 'same-origin', [], ['https://chat.example.com', 'https://evil.net'], { Host: 'a', 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': host }, { trustProxy: true })
  }
})
