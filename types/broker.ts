/** What adapters over a broker have in common. */
export interface BrokerAdapterOptions {
  /** Tells applications that share a broker apart: 1 to 64 of A–Z, a–z, 0–9, - and _. Default: `'typed-ws'`. */
  readonly namespace?: string
  /**
   * Signs what goes through the broker with HMAC-SHA256, and refuses what is not: for brokers that others may write to. At least 16 bytes. Of a list the first one signs, and all
   * verify: add the new one behind the old in every process, then put it first, then remove the old one. Default: nothing is signed.
   */
  readonly secret?: string | Buffer | ReadonlyArray<string | Buffer>
}
