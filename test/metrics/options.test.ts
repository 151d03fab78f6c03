import { register as globalRegister, Registry } from 'prom-client'
import t from 'tap'
import { defaults, resolveMetricsOptions } from '../../lib/metrics/options.ts'
import type { WsMetricsOptions } from '../../types/metrics.ts'

t.test('the defaults are those of the documentation', async t => {
  const resolved = resolveMetricsOptions({})
  t.equal(resolved.register, globalRegister)
  t.same({ ...resolved, register: null }, {
    register: null,
    prefix: 'ws_',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    endpoint: null
  })
  t.ok(Object.isFrozen(defaults) && Object.isFrozen(defaults.buckets))
})

t.test('undefined is as if it were left out', async t => {
  t.same(resolveMetricsOptions({ register: undefined, prefix: undefined, buckets: undefined, endpoint: undefined }), resolveMetricsOptions({}))
})

t.test('what is given is taken, a prefix of no characters too', async t => {
  const options = { register: new Registry(), prefix: '', buckets: [0.1, 1], endpoint: '/metrics' }
  t.same(resolveMetricsOptions(options), options)
})

const wrong: Readonly<Record<string, object>> = {
  'is unknown': { path: '/metrics' },
  'is a register that is none': { register: {} },
  'is a register of null': { register: null },
  'is a prefix that no name may begin with': { prefix: '1_' },
  'is a prefix with a hyphen': { prefix: 'my-' },
  'is a prefix that is no string': { prefix: 1 },
  'is buckets that are no list': { buckets: 1 },
  'is buckets of nothing': { buckets: [] },
  'is buckets that fall': { buckets: [1, 0.1] },
  'is a bucket twice': { buckets: [1, 1] },
  'is a bucket without an end': { buckets: [1, Infinity] },
  'is a bucket that is no number': { buckets: ['1', 2] },
  'is an endpoint without a slash': { endpoint: 'metrics' },
  'is an endpoint that is no string': { endpoint: true }
}

for (const [title, options] of Object.entries(wrong)) {
  t.test(`an option that ${title} is refused, by its name`, async t => {
    const [name] = Object.keys(options)
    t.throws(() => resolveMetricsOptions(options as WsMetricsOptions), { code: 'FST_ERR_WS_OPTION', message: new RegExp(`^option ${name}: `) })
  })
}
