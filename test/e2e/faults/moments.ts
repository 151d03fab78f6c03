import { randomBytes } from 'node:crypto'
import type { CloseInfo } from '../../../types/index.ts'
import { close, continuation, text } from '../../helpers/bytes.ts'
import { compressedText, upgradeBytes } from './clients.ts'
import type { LosableClient } from './clients.ts'
import { until } from './watched-server.ts'
import type { WatchedServer } from './watched-server.ts'

/** A point in the life of a connection at which its client may be lost. */
export interface Moment {
  readonly title: string
  /** How `onClose` hears of it; null where it is never called, since nothing was opened. */
  readonly end: Partial<CloseInfo> | null
  reach (server: WatchedServer, client: LosableClient): Promise<void>
}

const lost = { code: 1006, wasClean: false }

export const moments: readonly Moment[] = [
  {
    title: 'before its first byte',
    end: null,
    reach: async () => {}
  },
  {
    title: 'with half of its upgrade request sent',
    end: null,
    reach: (server, client) => write(server, client, upgradeBytes('/').subarray(0, 100))
  },
  {
    title: 'while onRequest runs',
    end: null,
    async reach (server, client) {
      client.write(upgradeBytes('/hook'))
      await server.holding
    }
  },
  {
    title: 'while onOpen runs',
    end: lost,
    async reach (server, client) {
      client.write(upgradeBytes('/opening'))
      await server.holding
    }
  },
  {
    title: 'while onOpen runs and messages wait for it',
    end: lost,
    async reach (server, client) {
      client.write(Buffer.concat([upgradeBytes('/opening'), text('1')]))
      await server.holding
      await write(server, client, text('2'))
    }
  },
  {
    title: 'that has said nothing yet',
    end: lost,
    reach: (server, client) => open(server, client)
  },
  {
    title: 'in the header of a frame',
    end: lost,
    async reach (server, client) {
      await open(server, client)
      await write(server, client, text('x'.repeat(1_000)).subarray(0, 3))
    }
  },
  {
    title: 'in the payload of a frame',
    end: lost,
    async reach (server, client) {
      await open(server, client)
      await write(server, client, text('x'.repeat(1_000)).subarray(0, 500))
    }
  },
  {
    title: 'between the fragments of a message',
    end: lost,
    async reach (server, client) {
      await open(server, client)
      await write(server, client, Buffer.concat([text('"a', { fin: false }), continuation('b', { fin: false })]))
    }
  },
  {
    title: 'while its message is handled and others wait',
    end: lost,
    async reach (server, client) {
      await open(server, client)
      client.write(Buffer.concat([text('"hold"'), text('1'), text('2')]))
      await server.holding
    }
  },
  {
    title: 'that is behind with reading',
    end: lost,
    async reach (server, client) {
      await open(server, client)
      client.stopReading()
      while (server.connection.bufferedAmount === 0) {
        server.connection.send('x'.repeat(64 * 1024))
        await new Promise(resolve => setImmediate(resolve))
      }
    }
  },
  {
    title: 'in a compressed message',
    end: lost,
    async reach (server, client) {
      await open(server, client, { deflate: true })
      const message = compressedText(JSON.stringify(randomBytes(2_000).toString('hex')))
      await write(server, client, message.subarray(0, message.length - 5))
    }
  },
  {
    title: 'while its large message is inflated on another thread',
    end: lost,
    async reach (server, client) {
      await open(server, client, { deflate: true })
      await write(server, client, compressedText(JSON.stringify('x'.repeat(1_000_000))))
    }
  },
  {
    title: 'while a large message to it is compressed on another thread',
    end: lost,
    async reach (server, client) {
      await open(server, client, { deflate: true })
      server.connection.send('x'.repeat(5_000_000))
    }
  },
  {
    title: 'that was sent a close frame',
    end: { code: 4000, wasClean: false },
    async reach (server, client) {
      await open(server, client)
      server.connection.close(4000)
      await until(() => server.connection.bufferedAmount === 0)
    }
  },
  {
    title: 'that was sent a close frame and answers with half of one',
    end: { code: 4000, wasClean: false },
    async reach (server, client) {
      await open(server, client)
      server.connection.close(4000)
      await write(server, client, close(4000).subarray(0, 7))
    }
  },
  {
    title: 'whose close frame waits for a handler',
    // Clean where the answer could still be written.
    end: { code: 4001 },
    async reach (server, client) {
      await open(server, client)
      client.write(Buffer.concat([text('"hold"'), close(4001)]))
      await server.holding
      await until(() => server.connection.readyState === 2)
    }
  },
  {
    title: 'whose close frame was answered',
    end: { code: 4001, wasClean: true },
    async reach (server, client) {
      await open(server, client)
      client.write(close(4001))
      await until(() => server.connection.readyState === 2 && server.connection.bufferedAmount === 0)
    }
  }
]

/** Upgrades, and waits until the server has let the connection in. */
export async function open (server: WatchedServer, client: LosableClient, { deflate = false } = {}): Promise<void> {
  client.write(upgradeBytes('/', { deflate }))
  await until(() => server.connection?.readyState === 1)
}

/** Writes, and waits until the server has read it. */
async function write (server: WatchedServer, client: LosableClient, bytes: Buffer): Promise<void> {
  const { socket } = server
  const before = socket.bytesRead
  client.write(bytes)
  await until(() => socket.bytesRead >= before + bytes.length)
}
