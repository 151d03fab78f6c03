import t from 'tap'
import { RedisServer } from '../../helpers/redis-server.ts'
import { requirement, suiteNeeding } from '../../helpers/requirements.ts'

/** Tests that share a server: it is theirs until the last one of the file has ended. */
export async function withRedis (title: string, tests: (server: RedisServer) => void | Promise<void>): Promise<void> {
  if (requirement('redis-server') === null) suiteNeeding(['redis-server'], title, async () => {})
  else await tests(await RedisServer.start(t))
}

let namespaces = 0

/** One that no other test of the file has. */
export function newNamespace (): string {
  return `test-${process.pid}-${++namespaces}`
}
