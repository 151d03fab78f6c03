import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { redisAdapter } from 'fastify-typed-ws/redis'
import { Redis } from 'ioredis'
import { buildBoard } from './board.ts'

/* One of the processes, as server.ts starts it. */

const { NAME: name = '', PORT: port, REDIS_PORT: redisPort, FOLDER: folder = '', LOG_LEVEL: level = 'warn' } = process.env

const app = await buildBoard({
  name,
  // It only tells where Redis is. What Redis has acknowledged survives its restarts here, so histories do, too.
  adapter: redisAdapter({ client: new Redis({ host: '127.0.0.1', port: Number(redisPort), lazyConnect: true }), durable: true }),
  // In braces: what a handler returns is sent to its client.
  kill: () => { process.kill(process.pid, 'SIGKILL') },
  restartRedis: () => { process.send?.('restart-redis') }
}, { logger: { level }, forceCloseConnections: true })

process.once('SIGTERM', () => {
  process.off('disconnect', orphaned)
  void app.close()
})
process.once('disconnect', orphaned)

await app.listen({ host: '127.0.0.1', port: Number(port) })
process.send?.('listening')

/** Whoever started it was killed: nobody else would end the others. */
function orphaned (): void {
  for (const file of ['redis.pid', 'nginx.pid']) {
    try {
      process.kill(Number(readFileSync(join(folder, file), 'utf8')))
    } catch {
      // Another one was faster.
    }
  }
  void app.close()
}
