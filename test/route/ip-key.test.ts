import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { ipKey } from '../../lib/route/ip-key.ts'
import { holds } from '../helpers/property.ts'

t.test('an IPv4 address is its own key', async t => {
  t.equal(ipKey('192.0.2.7'), '192.0.2.7')
  t.not(ipKey('192.0.2.7'), ipKey('192.0.2.70'))
})

t.test('an IPv4-mapped IPv6 address, spelled in any way, has the key of the IPv4 address', async t => {
  const spellings = [
    '::ffff:192.0.2.7', '::FFFF:192.0.2.7', '::ffff:c000:207', '::ffff:C000:0207', '0:0:0:0:0:ffff:192.0.2.7',
    '0000:0000:0000:0000:0000:ffff:c000:0207', '0::0:ffff:c000:207', '[::ffff:192.0.2.7]', '[::ffff:192.0.2.7]:4711'
  ]
  for (const spelling of spellings) t.equal(ipKey(spelling), '192.0.2.7', spelling)
})

t.test('what only looks like a mapped address is none', async t => {
  for (const address of ['::192.0.2.7', '::ffff:0:192.0.2.7', '::1:ffff:192.0.2.7', '1::ffff:192.0.2.7', 'ffff::192.0.2.7', '::fffe:192.0.2.7']) {
    t.match(ipKey(address), /::\/64$/, address)
  }
})

t.test('IPv6 addresses with the same first 64 bits, spelled in any way, have the same key', async t => {
  const spellings = [
    '2001:db8:0:7::', '2001:db8:0:7::1', '2001:DB8::7:0:0:0:1', '2001:0db8:0000:0007:ffff:ffff:ffff:ffff', '2001:db8::7:1:2:3:4',
    '2001:db8:0:7:1:2:192.0.2.7', '2001:db8:0:7::1%eth0', '[2001:db8:0:7::1]', '[2001:db8:0:7::1]:443'
  ]
  for (const spelling of spellings) t.equal(ipKey(spelling), '2001:db8:0:7::/64', spelling)
})

t.test('IPv6 addresses that differ within the first 64 bits have different keys', async t => {
  const keys = ['2001:db8:0:7::1', '2001:db8:0:8::1', '2001:db8:7::1', '2001:db8::7', '2001:db9:0:7::1', '::1', 'fe80::1', '7::'].map(ipKey)
  t.equal(new Set(keys).size, 8)
})

t.test('no spelling of an IPv6 address changes its key, and no bit behind the first 64', t => {
  const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }))
  const groups = fc.array(group, { minLength: 8, maxLength: 8 })
  holds(t, fc.property(groups, groups, (network, host) => {
    const all = [...network.slice(0, 4), ...host.slice(4)]
    // The first 64 bits of mapped addresses are zero.
    fc.pre(all.slice(0, 4).some(one => one !== 0))
    const full = all.map(one => one.toString(16).padStart(4, '0')).join(':')
    const short = new URL(`http://[${full}]`).hostname
    const expected = `${network.slice(0, 4).map(one => one.toString(16)).join(':')}::/64`
    for (const spelling of [full, full.toUpperCase(), short]) assert.equal(ipKey(spelling), expected)
  }))
  t.end()
})

t.test('an IPv4 address is the same with a port behind it, as some proxies write it', async t => {
  t.equal(ipKey('192.0.2.7:50123'), '192.0.2.7')
})

t.test('what is no address is left as it is, and no address has no key', async t => {
  for (const text of ['unknown', 'a:b', ':', '::%', '[::1', '1:2:3', '[]', '[x]y', '::1::', '1.2.3:4:5']) t.equal(ipKey(text), text, text)
  t.equal(ipKey(undefined), null)
  t.equal(ipKey(''), null)
})

t.test('no text whatever throws', t => {
  holds(t, fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[[\]0-9a-f:.%]*$/)), text => {
    const key = ipKey(text)
    return text === '' ? key === null : typeof key === 'string' && key.length > 0
  }), { numRuns: 2_000 })
  t.end()
})
