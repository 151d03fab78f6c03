import t from 'tap'
import { conforms, testTimeout } from './conforms.ts'

t.setTimeout(testTimeout)

t.test('conforms over HTTP/2, without compression', async t => {
  await conforms(t, {}, { http2: true })
})

for (const [only, about] of [['12', 'compressed messages'], ['13', 'negotiation'], ['14', 'compressed streams']]) {
  t.test(`conforms over HTTP/2 with permessage-deflate: ${about}`, async t => {
    await conforms(t, { perMessageDeflate: true }, { http2: true, deflate: true, only })
  })
}
