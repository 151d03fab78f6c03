// What front-ends write, compiled with the types of a browser and none of Node.
import { connect, defineContract, WsClientError } from 'fastify-typed-ws/client'
import type { Client, ClientOptions, StateChange } from 'fastify-typed-ws/client'

interface Join { type: 'join', room: string, since?: string }
interface Say { type: 'say', room: string, text: string }
interface Said { type: 'said', room: string, text: string }
interface Joined { type: 'joined', recovered: boolean, eventId: string }
interface Chat { receive: Join | Say, send: Said, replies: { join: Joined } }

const options: ClientOptions<Chat> = { authenticate: async () => ({ query: { token: await (await fetch('/token')).text() } }) }
const socket: Client<Chat> = connect<Chat>(new URL('/chat', location.href), options)
connect<Chat>('/chat', { WebSocket })
connect<Chat>(location)

socket.onState((change: StateChange) => { document.title = change.state })
socket.on('said', message => { document.body.append(message.text) })
const { recovered }: { recovered: boolean } = await socket.request({ type: 'join', room: 'tea' }, { signal: AbortSignal.timeout(5_000) })
await socket.join('tea', reply => { document.title = String(reply.recovered && recovered) })
for await (const message of socket) if (message.type === 'error') throw new WsClientError(message.code, message.message)

// @ts-expect-error text is missing
socket.send({ type: 'say', room: 'tea' })
// @ts-expect-error nothing is answered to it
void socket.request({ type: 'say', room: 'tea', text: 'hello' })
// @ts-expect-error the server never says that
socket.on('say', () => {})

export const schemas = defineContract({ receive: { type: 'object' }, send: { type: 'object' } })
