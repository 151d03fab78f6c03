import { text } from '../helpers/bytes.ts'
import { hostile, needed, upgradeBytes } from '../helpers/hostile.ts'
import { RawClient } from '../helpers/raw-client.ts'

const plugin = { handshakeTimeout: 100 }

/** Bytes after which nothing comes. */
const stalled: Record<string, string> = {
  'says nothing': '',
  'sends one byte': 'G',
  'sends empty lines': '\r\n\r\n\r\n',
  'stops within its request line': 'GET / HT',
  'stops behind its request line': 'GET / HTTP/1.1\r\n',
  'stops within a header': 'GET / HTTP/1.1\r\nHost: app.example.com\r\nConnection: Upgr',
  'stops behind its key': `GET / HTTP/1.1\r\n${Object.values(needed).join('\r\n')}\r\n`,
  'stops within the last line break': upgradeBytes().subarray(0, -1).toString()
}

for (const [what, bytes] of Object.entries(stalled)) {
  hostile(`a client that ${what} is cut at handshakeTimeout`, async (t, { port, sockets }) => {
    const client = await RawClient.connect(port)
    client.write(bytes)
    t.equal((await client.reply()).statusCode, 408)
    await client.ended()
    await sockets.open(0)
  }, { plugin })
}

hostile('a client that sends a byte at a time, without pause, is cut at handshakeTimeout', async (t, { port, sockets }) => {
  const client = await RawClient.connect(port)
  const bytes = upgradeBytes([`X: ${'a'.repeat(10_000)}`])
  let sent = 0
  const drip = setInterval(() => { client.write(bytes.subarray(sent, ++sent)) }, 2)
  t.after(() => { clearInterval(drip) })
  await client.ended()
  await sockets.open(0)
  t.ok(sent < bytes.length)
}, { plugin })

hostile('a client that sends a header at a time is cut at handshakeTimeout', async (t, { port, sockets }) => {
  const client = await RawClient.connect(port)
  client.write('GET / HTTP/1.1\r\n')
  const drip = setInterval(() => { client.write('X: a\r\n') }, 5)
  t.after(() => { clearInterval(drip) })
  await client.ended()
  await sockets.open(0)
}, { plugin })

hostile('many that connect and say nothing keep nobody from being served, and are all cut', async (t, { port, sockets }) => {
  const silent = await Promise.all(Array.from({ length: 200 }, () => RawClient.connect(port)))
  await sockets.open(silent.length)
  const client = await RawClient.open(port, '/')
  for (let i = 0; i < 20; i++) {
    client.send(i)
    t.equal(await client.message(), i)
  }
  await Promise.all(silent.map(one => one.ended()))
  await sockets.open(1)
  client.send('still here')
  t.equal(await client.message(), 'still here')
}, { plugin: { handshakeTimeout: 2_000 } })

hostile('many in the middle of their handshakes keep nobody from being served, and are all cut', async (t, { port, sockets }) => {
  const bytes = upgradeBytes()
  const slow = await Promise.all(Array.from({ length: 100 }, () => RawClient.connect(port)))
  for (const [i, one] of slow.entries()) one.write(bytes.subarray(0, 1 + i))
  await sockets.open(slow.length)
  const client = await RawClient.open(port, '/', { head: text('1') })
  t.equal(await client.message(), 1)
  await Promise.all(slow.map(one => one.ended()))
  await sockets.open(1)
}, { plugin: { handshakeTimeout: 2_000 } })

hostile('many that connect and go at once leave nothing', async (t, { port, sockets }) => {
  const bytes = upgradeBytes([], { behind: text('1') })
  for (let i = 0; i < 300; i++) {
    const client = await RawClient.connect(port)
    client.write(bytes.subarray(0, i % (bytes.length + 1)))
    if (i % 2 === 0) client.reset()
    else client.socket.end()
  }
  await sockets.open(0)
  t.pass('all are gone')
})

hostile('a client that waits with the request behind its silence is served in time', async (t, { port }) => {
  const client = await RawClient.connect(port)
  const bytes = upgradeBytes([], { behind: text('"late"') })
  client.write(bytes.subarray(0, 40))
  await new Promise(resolve => setTimeout(resolve, 50))
  client.write(bytes.subarray(40))
  t.equal((await client.reply()).statusCode, 101)
  t.equal(await client.message(), 'late')
}, { plugin: { handshakeTimeout: 5_000 } })
