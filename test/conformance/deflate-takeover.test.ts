import t from 'tap'
import { conforms, testTimeout } from './conforms.ts'

t.setTimeout(testTimeout)

const everything = { perMessageDeflate: { threshold: 0, contextTakeover: true, windowBits: 15 } }

for (const [only, about] of [['12', 'compressed messages'], ['13', 'negotiation'], ['14', 'compressed streams']]) {
  t.test(`conforms with every message compressed and the windows kept: ${about}`, async t => {
    await conforms(t, everything, { deflate: true, only })
  })
}
