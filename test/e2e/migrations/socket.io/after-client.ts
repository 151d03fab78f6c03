import { connect } from '../../../../lib/client/index.ts'
import type { WebSocketConstructor } from '../../../../lib/client/index.ts'
import type { chat } from './after.ts'

export function enter (url: string, token: string, WebSocket?: WebSocketConstructor) {
  const client = connect<typeof chat>(`${url}/chat`, {
    WebSocket,                                              // only where there is no global one
    authenticate: refused => refused === null ? { query: { token } } : null,
    reconnect: { base: 100 },
    requestTimeout: 5_000
  })

  return {
    onRefused: (listener: () => void) => { client.onState(({ state, lost }) => { if (state === 'closed' && lost?.code === 4401) listener() }) },
    onSaid: (listener: (from: string, text: string) => void) => { client.on('said', ({ from, text }) => listener(from, text)) },
    onTyping: (listener: (from: string) => void) => { client.on('typing', ({ from }) => listener(from)) },
    join: async (room: string): Promise<number> => {
      const { members } = await client.join(room)
      return members
    },
    say: async (room: string, text: string): Promise<void> => {
      await client.request({ type: 'say', room, text })
    },
    typing: (room: string) => { if (client.state === 'open') client.send({ type: 'typing', room }) },
    close: () => { client.close() }
  }
}
