import dns from 'node:dns'
import type { Test } from 'tap'

/** Has `localhost` two addresses, as on systems with IPv6; this one may not. */
export function giveLocalhostBoth (t: Test): void {
  const { lookup } = dns
  const both = [{ address: '127.0.0.1', family: 4 }, { address: '::1', family: 6 }]
  Object.assign(dns, {
    lookup (host: string, options: dns.LookupAllOptions, callback: (error: null, found: dns.LookupAddress[]) => void) {
      if (host === 'localhost' && options.all) callback(null, both)
      else Reflect.apply(lookup, dns, [host, options, callback])
    }
  })
  t.after(() => Object.assign(dns, { lookup }))
}
