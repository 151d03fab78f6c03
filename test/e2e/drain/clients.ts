import { readFileSync } from 'node:fs'
import { close } from '../../helpers/bytes.ts'
import { RawClient } from '../../helpers/raw-client.ts'
import type { Task } from './server.ts'

/** How many connect at once: less than the operating system lets wait. */
const atOnce = 200

/** Clients that have upgraded. */
export async function gather (port: number, count: number): Promise<RawClient[]> {
  const clients: RawClient[] = []
  while (clients.length < count) {
    const some = Math.min(atOnce, count - clients.length)
    clients.push(...await Promise.all(Array.from({ length: some }, () => RawClient.open(port, '/'))))
  }
  return clients
}

/** Does as RFC 6455 says: reads on until it is closed, and answers. Returns the messages that came before, and the code. */
export async function beClosed (client: RawClient): Promise<{ messages: unknown[], code: number }> {
  const messages: unknown[] = []
  for (;;) {
    const { opcode, payload } = await client.frame()
    if (opcode === 1) messages.push(JSON.parse(payload.toString()))
    if (opcode !== 8) continue
    client.write(close(payload.readUInt16BE()))
    await client.ended()
    client.socket.end()
    return { messages, code: payload.readUInt16BE() }
  }
}

/** Sends the next message whenever the last one is answered, until it is closed: how many answers came, and the code. */
export async function talk (client: RawClient, task: Task): Promise<{ answers: number, code: number }> {
  for (let answers = 0; ; answers++) {
    client.send(task)
    const { opcode, payload } = await client.frame()
    if (opcode !== 8) continue
    client.write(close(payload.readUInt16BE()))
    await client.ended()
    client.socket.end()
    return { answers, code: payload.readUInt16BE() }
  }
}

/** How many file descriptors a process may have. Node takes as many as it is allowed. */
export function descriptorLimit (): number {
  const hard = /^Max open files\s+\S+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))
  return hard === null ? Infinity : Number(hard[1])
}
