import type { Test } from 'tap'
import { nothingWrong } from './record.ts'
import { Torture } from './torture.ts'
import type { TortureOptions } from './torture.ts'
import { startGround } from './outages.ts'
import type { StartBroker } from './outages.ts'

const { TORTURE_SEED, TORTURE_SECONDS } = process.env
const history = { size: 10_000, ttl: 600_000 }

async function tortureOf (t: Test, startBroker: StartBroker, isDurable: boolean, options: Omit<TortureOptions, 'settings' | 'seed'>): Promise<Torture> {
  const seed = Number(TORTURE_SEED ?? Math.floor(Math.random() * 2 ** 31))
  process.stderr.write(`${t.name}: TORTURE_SEED=${seed}\n`)
  const torture = new Torture(t, await startGround(t, startBroker, { isDurable }), { seed, settings: { history, adapterTimeout: 3_000 }, ...options })
  await torture.start()
  return torture
}

function judge (t: Test, torture: Torture): void {
  torture.check()
  process.stderr.write(`${t.name}: ${JSON.stringify({ ...torture.findings.counts, ...torture.figures, ...torture.faults })}\n`)
  t.same(torture.findings.counts, nothingWrong, torture.findings.cases.join('\n'))
}

/**
 * Brokers and processes are killed, ended and stopped by the plan of a seed, which `TORTURE_SEED` repeats; clients resume wherever there is a server.
 *
 * @param seconds where `TORTURE_SECONDS` says nothing else
 */
export async function torment (t: Test, startBroker: StartBroker, seconds: number): Promise<void> {
  const lasting = Number(TORTURE_SECONDS ?? seconds)
  t.setTimeout((lasting + 120) * 1_000)
  const torture = await tortureOf(t, startBroker, true, { seconds: lasting })
  await torture.rage()
  await torture.calm()
  judge(t, torture)
  if (lasting < 15) return
  // Whether it was worth anything.
  const { figures, faults, resumed, acrossKills } = torture
  t.equal(figures.epochs, 20, 'what the broker had taken it has kept')
  t.equal(resumed.false, 0, 'nobody was away for longer than the histories reach')
  t.equal(figures['gap notices'], 0)
  // Far less than on an idle machine, of which the suite may have a small part.
  t.ok(resumed.true > 5 * lasting, `${resumed.true} were told that they had everything`)
  t.ok(figures.kept > lasting, `${figures.kept} messages`)
  t.ok(figures.replayed > lasting, `${figures.replayed} messages replayed`)
  t.ok(figures['delivered without history'] > lasting, `${figures['delivered without history']} of rooms without history`)
  if (faults.broker.SIGKILL < 2) return
  t.ok(acrossKills.resumed > 0, `${acrossKills.resumed} of them went before a kill of the broker and came after it`)
  t.ok(acrossKills.replayed > 0)
}

/** The same cluster with a broker that keeps nothing over a kill: everybody is told. */
export async function forgetting (t: Test, startBroker: StartBroker): Promise<void> {
  t.setTimeout(120_000)
  const torture = await tortureOf(t, startBroker, false, { seconds: 0, clients: 60, rooms: 6, rate: 100 })
  await torture.speak(1_500)
  await torture.forget()
  t.same(torture.resumed, { true: 0, false: 60 }, 'half of the clients were away, each from two rooms')
  t.equal(torture.figures['gap notices'], 60, 'the other half was told in each room')
  t.equal(torture.figures.epochs, 12)
  await torture.speak(1_500)
  await torture.calm()
  judge(t, torture)
}

/** A cluster whose broker takes all servers with it: everybody comes back to another one, and is told. */
export async function perishing (t: Test, startBroker: StartBroker): Promise<void> {
  t.setTimeout(120_000)
  const torture = await tortureOf(t, startBroker, false, { seconds: 0, clients: 60, rooms: 6, rate: 100 })
  await torture.speak(1_500)
  await torture.perish()
  t.same(torture.resumed, { true: 0, false: 120 }, 'all clients, each to two rooms')
  t.equal(torture.figures['gap notices'], 0)
  t.equal(torture.figures.epochs, 12)
  await torture.speak(1_500)
  await torture.calm()
  judge(t, torture)
}
