import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import t from 'tap'
import { binary, close, continuation, text } from '../../helpers/bytes.ts'
import { compressedText, upgradeBytes } from './clients.ts'
import type { ServerReport } from './server.ts'
import { ServerProcess } from './server-process.ts'

/** How many clients are there at once. */
const width = 50

/** What a client says before it goes, in parts: it waits for an answer after each but the last. */
const sayings: readonly Buffer[][] = [
  [],
  [Buffer.of(0x16)],
  [upgradeBytes('/').subarray(0, 60)],
  [upgradeBytes('/')],
  [upgradeBytes('/hook')],
  [upgradeBytes('/nowhere')],
  [upgradeBytes('/'), Buffer.alloc(0)],
  [upgradeBytes('/hook'), Buffer.alloc(0)],
  [upgradeBytes('/'), text('whole')],
  [upgradeBytes('/'), text('x'.repeat(500)).subarray(0, 1)],
  [upgradeBytes('/'), binary(Buffer.alloc(100_000)).subarray(0, 50_000)],
  [upgradeBytes('/'), Buffer.concat([text('a', { fin: false }), continuation('b', { fin: false })])],
  [upgradeBytes('/'), close(1000)],
  [upgradeBytes('/'), text('answered'), close(1000).subarray(0, 3)],
  [upgradeBytes('/'), text('violation', { mask: false })],
  [upgradeBytes('/', { deflate: true }), compressedText('x'.repeat(5_000))],
  [upgradeBytes('/', { deflate: true }), compressedText('x'.repeat(100_000))],
  [upgradeBytes('/', { deflate: true }), compressedText('x'.repeat(100_000)).subarray(0, 60)]
]

/** By how many bytes the heap may have grown: less than 100 a client. */
const mostGrowth = 1_000_000

/** How a client goes. */
const goings: ReadonlyArray<(socket: Socket) => void> = [
  socket => socket.resetAndDestroy(),
  socket => socket.destroy(),
  socket => socket.end()
]

t.test('10,000 clients that come and go in any state leave nothing behind', async t => {
  const server = await ServerProcess.start(t, { nodeOptions: ['--expose-gc'] })
  // Code is compiled, and pools are filled.
  await churn(server.port, 2_000)
  let before = await server.report('when empty')
  await churn(server.port, 10_000)
  let after = await server.report('when empty')
  // What is compiled late, in the background of a busy machine, is compiled once; what leaks leaks again.
  for (let again = 0; again < 2 && after.heap - before.heap >= mostGrowth; again++) {
    before = after
    await churn(server.port, 10_000)
    after = await server.report('when empty')
  }
  t.comment(describe(before, after))

  t.ok(after.opened - before.opened > 5_000, `${after.opened - before.opened} were opened`)
  t.equal(after.closed, after.opened, 'onClose ran for each')
  t.match(after, { connections: 0, rooms: 0, sockets: 0, held: 0 })
  t.same(after.resources, before.resources, 'timers, sockets and the rest are as before')
  t.equal(after.listeners, before.listeners)
  t.ok(after.heap - before.heap < mostGrowth, `the heap grew by ${after.heap - before.heap} bytes: less than 100 a client`)
})

/** `count` clients, a few at a time. */
async function churn (port: number, count: number): Promise<void> {
  let next = 0
  const visitor = async (): Promise<void> => {
    while (next < count) {
      const number = next++
      await visit(port, sayings[number % sayings.length], goings[Math.floor(number / sayings.length) % goings.length])
    }
  }
  await Promise.all(Array.from({ length: width }, visitor))
  // What zlib has still to do for those who have gone is done in turn: the last one waits for it.
  await visit(port, [upgradeBytes('/', { deflate: true }), compressedText('x'.repeat(100_000)), close(1000)], socket => socket.end())
}

async function visit (port: number, parts: readonly Buffer[], go: (socket: Socket) => void): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1' })
  socket.on('error', () => {})
  const closed = new Promise(resolve => socket.once('close', resolve))
  await once(socket, 'connect')
  for (const [index, part] of parts.entries()) {
    socket.write(part)
    if (index < parts.length - 1) await once(socket, 'data')
  }
  go(socket)
  socket.resume()
  await closed
}

function describe (before: ServerReport, after: ServerReport): string {
  return [before, after].map(({ opened, heap, listeners, resources }) =>
    `after ${opened} connections: heap ${heap}, listeners ${listeners}, resources ${JSON.stringify(resources)}`).join('; ')
}
