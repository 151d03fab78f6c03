import { address, isProgram, tellAddress } from '../support/run.ts'
import { Supervisor } from './supervisor.ts'

/** A server to kill, and what starts it again. */
async function run (): Promise<void> {
  const { host, port } = address()
  const supervisor = new Supervisor(host, port)
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => { void supervisor.end() })
  if (await supervisor.start()) tellAddress(host, supervisor.port)
}

if (isProgram(import.meta.url)) await run()
