import type { Test } from 'tap'
import { BrokerProxy } from './broker-proxy.ts'
import { openAdapter } from './carriers.ts'
import type { Broker, CarrierSettings, OpenAdapter } from './carriers.ts'
import { launchScript } from './cluster-server.ts'
import type { Launch } from './cluster-server.ts'
import { faultKinds } from './plan.ts'
import type { FaultKind } from './plan.ts'

/** A broker, and how servers reach it. */
export interface BrokerGround {
  readonly carrier: CarrierSettings
  readonly broker: Broker
  /** What may be done to it while servers go on. Default: all. */
  readonly faults?: readonly FaultKind[]
  /** For a server within the test's process. Default: that of the carrier. */
  readonly open?: () => Promise<OpenAdapter>
  /** For one in a process of its own. Default: the test starts it. */
  readonly launch?: Launch
}

/** A broker that a test may ill-treat, and how servers reach it. */
export interface Ground extends Required<BrokerGround> {
  /** null where servers reach the broker without one. */
  readonly proxy: BrokerProxy | null
}

/** Starts a broker; a durable one keeps what it has taken when it is killed. */
export type StartBroker = (t: Test, options: { readonly isDurable: boolean }) => Promise<BrokerGround>

export async function startGround (t: Test, startBroker: StartBroker, { isDurable = true, proxied = false } = {}): Promise<Ground> {
  const { carrier: direct, ...ground } = await startBroker(t, { isDurable })
  const proxy = proxied ? await BrokerProxy.start(t, direct.port) : null
  const carrier = proxy === null ? direct : { ...direct, port: proxy.port }
  return { faults: faultKinds, open: () => openAdapter(carrier), launch: launchScript, ...ground, carrier, proxy }
}

/** A way in which servers lose their broker. */
export interface Outage {
  readonly title: string
  readonly proxied: boolean
  begin (ground: Ground): Promise<void> | void
  end (ground: Ground): Promise<void> | void
}

export const frozen: Outage = {
  title: 'frozen',
  proxied: false,
  begin: ({ broker }) => broker.freeze(),
  end: ({ broker }) => broker.thaw()
}

export const outages: readonly Outage[] = [
  {
    title: 'restarted',
    proxied: false,
    begin: ({ broker }) => broker.kill('SIGTERM'),
    end: ({ broker }) => broker.restart()
  },
  {
    title: 'killed',
    proxied: false,
    begin: ({ broker }) => broker.kill('SIGKILL'),
    end: ({ broker }) => broker.restart()
  },
  frozen,
  {
    title: 'out of reach, in silence',
    proxied: true,
    begin: ({ proxy }) => proxy?.silence(),
    end: ({ proxy }) => proxy?.heal()
  }
]
