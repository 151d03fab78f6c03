import { io } from 'socket.io-client'

export function enter (url: string, token: string) {
  const socket = io(`${url}/chat`, { auth: { token }, reconnectionDelay: 100, forceNew: true })

  return {
    onRefused: (listener: () => void) => { socket.on('connect_error', listener) },
    onSaid: (listener: (from: string, text: string) => void) => { socket.on('said', ({ from, text }) => listener(from, text)) },
    onTyping: (listener: (from: string) => void) => { socket.on('typing', ({ from }) => listener(from)) },
    join: async (room: string): Promise<number> => {
      const { members } = await socket.timeout(5_000).emitWithAck('join', room)
      return members
    },
    say: async (room: string, text: string): Promise<void> => {
      const reply = await socket.timeout(5_000).emitWithAck('say', room, text)
      if (reply.error !== undefined) throw new Error(reply.error)
    },
    typing: (room: string) => { socket.volatile.emit('typing', room) },
    close: () => { socket.disconnect() }
  }
}
