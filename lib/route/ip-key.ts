import { isIPv6 } from 'node:net'

/** An address with a port behind it, or in brackets, as some proxies write it into `X-Forwarded-For`. */
const withPort = /^\[([^\]]+)\](?::\d+)?$|^([\d.]+):\d+$/

/**
 * What the connections of one client have in common: its IPv4 address, or the first 64 bits of its IPv6 address, of which providers give each
 * customer at least one whole block (RFC 6177). One spelling for all that are the same; what is no address is left as it is. null for none, as
 * over a Unix socket.
 */
export function ipKey (address: string | undefined): string | null {
  if (address === undefined || address === '') return null
  if (!address.includes(':')) return address
  const parts = withPort.exec(address)
  const bare = parts === null ? address : parts[1] ?? parts[2]
  if (!isIPv6(bare)) return bare
  const groups = groupsOf(bare)
  // An IPv4 client of a socket that takes both (RFC 4291 section 2.5.5.2).
  if (groups[5] === 0xffff && groups.slice(0, 5).every(group => group === 0)) {
    return [groups[6] >> 8, groups[6] & 0xff, groups[7] >> 8, groups[7] & 0xff].join('.')
  }
  return `${groups.slice(0, 4).map(group => group.toString(16)).join(':')}::/64`
}

/** The eight groups of 16 bits of an IPv6 address (RFC 4291 section 2.2). */
function groupsOf (address: string): number[] {
  const [zoneless] = address.split('%')
  const [left, right = []] = zoneless.split('::').map(readGroups)
  return [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right]
}

function readGroups (text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap(group => {
    if (!group.includes('.')) return [parseInt(group, 16)]
    const [a, b, c, d] = group.split('.').map(Number)
    return [a << 8 | b, c << 8 | d]
  })
}
