import type { Test } from 'tap'
import { BrokerProxy } from './broker-proxy.ts'
import type { Broker, CarrierSettings } from './carriers.ts'

/** A broker that a test may ill-treat, and how servers reach it. */
export interface Ground {
  readonly carrier: CarrierSettings
  readonly broker: Broker
  /** null where servers reach the broker without one. */
  readonly proxy: BrokerProxy | null
}

/** Starts a broker; a durable one keeps what it has taken when it is killed. */
export type StartBroker = (t: Test, options: { readonly isDurable: boolean }) => Promise<{ readonly carrier: CarrierSettings, readonly broker: Broker }>

export async function startGround (t: Test, startBroker: StartBroker, { isDurable = true, proxied = false } = {}): Promise<Ground> {
  const { carrier, broker } = await startBroker(t, { isDurable })
  if (!proxied) return { carrier, broker, proxy: null }
  const proxy = await BrokerProxy.start(t, carrier.port)
  return { carrier: { ...carrier, port: proxy.port }, broker, proxy }
}

/** A way in which servers lose their broker. */
export interface Outage {
  readonly title: string
  readonly proxied: boolean
  begin (ground: Ground): Promise<void> | void
  end (ground: Ground): Promise<void> | void
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
  {
    title: 'frozen',
    proxied: false,
    begin: ({ broker }) => broker.freeze(),
    end: ({ broker }) => broker.thaw()
  },
  {
    title: 'out of reach, in silence',
    proxied: true,
    begin: ({ proxy }) => proxy?.silence(),
    end: ({ proxy }) => proxy?.heal()
  }
]
