import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { eventLoopUtilization } from '../../lib/metrics/event-loop.ts'

const utilization = async (gauge: ReturnType<typeof eventLoopUtilization>): Promise<number> => (await gauge.get()).values[0].value

t.test('the share is that since the last scrape: much of a busy time, little of an idle one', async t => {
  const gauge = eventLoopUtilization('loop')
  await utilization(gauge)
  const end = performance.now() + 100
  while (performance.now() < end);
  const busy = await utilization(gauge)
  await delay(300)
  const idle = await utilization(gauge)
  t.ok(busy > 0.9 && busy <= 1, `busy: ${busy}`)
  t.ok(idle >= 0 && idle < busy, `idle: ${idle}`)
})

t.test('scrapes in one turn answer a share too', async t => {
  const gauge = eventLoopUtilization('loop')
  for (const { values } of await Promise.all([gauge.get(), gauge.get()])) t.ok(values[0].value >= 0 && values[0].value <= 1)
})
