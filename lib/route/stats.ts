import type { WsStats } from '../../types/stats.ts'
import { Flow } from '../connection/counters.ts'
import type { Counters } from '../connection/counters.ts'
import type { MemoryBudget } from '../connection/memory-budget.ts'
import type { Registry } from '../rooms/registry.ts'
import type { Connections } from './connections.ts'

/** What `app.wsStats()` answers: what was counted, and what the open connections say. */
export function statsOf (counters: Counters, connections: Connections, rooms: Pick<Registry, 'size' | 'status'>, budget: Pick<MemoryBudget, 'held' | 'peak' | 'limit'>, pending: number): WsStats {
  const { opened, silent, idle, expired, closed, refused, aborted, invalid, failed, limited, shed, tooBig, slow, adapter, history } = counters
  const { state, nodes, waiting } = rooms.status
  const { held, peak, limit } = budget
  const received = new Flow()
  const sent = new Flow()
  received.add(counters.received)
  sent.add(counters.sent)
  const byRoute: Record<string, number> = {}
  let buffered = 0
  for (const connection of connections) {
    const { traffic, bufferedAmount, url } = connection
    received.add(traffic.received)
    sent.add(traffic.sent)
    buffered += bufferedAmount
    byRoute[url] = (byRoute[url] ?? 0) + 1
  }
  return {
    connections: { open: connections.size, opened, silent, idle, expired, closed: Object.fromEntries(closed), byRoute },
    upgrades: { pending, refused: Object.fromEntries(refused), aborted },
    traffic: { received: { ...received }, sent: { ...sent } },
    messages: { invalid, failed, limited },
    rooms: rooms.size,
    adapter: { state, ...adapter, nodes: nodes.length, waiting },
    history: { ...history },
    memory: { held, peak, limit, buffered, shed, tooBig },
    slowConsumers: { ...slow }
  }
}
